"""Bitdial's page router: configuration, shared sidebar, navigation."""

import streamlit as st

from ui.router import PAGES, follow_deep_link
from ui.sidebar import BRAND, sidebar

st.set_page_config(page_title="Bitdial", page_icon=str(BRAND / "icon.svg"), layout="wide")
st.session_state["router"] = True

pages = {
    name: st.Page(page.path, title=page.title, icon=page.icon, help=page.help, default=page.default)
    for name, page in PAGES.items()
}
chosen = st.navigation(list(pages.values()))
follow_deep_link(pages)
sidebar()
chosen.run()
