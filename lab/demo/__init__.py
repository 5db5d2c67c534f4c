"""The frame of the demonstration: a telephone that works, and the steps that the acts of `lab.acts` report."""
