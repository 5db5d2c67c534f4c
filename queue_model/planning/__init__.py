"""Staffing and rotas."""
