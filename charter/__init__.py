"""The Carta dei servizi as pure functions: calendar, promises, KPI formulas, disclosure control, work assignment."""
