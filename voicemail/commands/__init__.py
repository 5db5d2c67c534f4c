"""The commands of `voicemail`, one module each."""
