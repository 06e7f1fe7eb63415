"""Streamlit helpers: state, jobs, figures, theme."""
