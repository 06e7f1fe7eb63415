"""What a visitor does on the pages that take files, and what is then to be read."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest


def text_of(app: AppTest) -> str:
    kinds = (app.markdown, app.caption, app.info, app.error, app.warning, app.success)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def drop(app: AppTest, *files: tuple[str, bytes]) -> AppTest:
    """Drop files on the page's box."""
    for name, content in files:
        app.file_uploader[0].upload(name, content)
    app.run()
    assert not app.exception, app.exception
    return app


def press(app: AppTest, label: str) -> AppTest:
    next(button for button in app.button if label in button.label).click().run()
    assert not app.exception, app.exception
    return app


def metrics(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}
