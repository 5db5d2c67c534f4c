"""Staffing for each half-hour, and rotas of people, shifts and breaks."""
