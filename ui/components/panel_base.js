// What the live panels share: one panel a place on the page, which keeps its DOM between reruns and
// is drawn once a frame.

class LivePanel {
  constructor(root) {
    this.root = root
    this.frame = null
  }

  /** Draw anew whenever the panel's size changes; called once the panel is complete. */
  watch() {
    this.observer = new ResizeObserver(() => this.redraw())
    this.observer.observe(this.root)
  }

  redraw() {
    this.layout = null
    this.schedule()
  }

  schedule() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null
      this.draw()
    })
  }

  destroy() {
    this.observer.disconnect()
    if (this.frame !== null) cancelAnimationFrame(this.frame)
  }
}

/** What Streamlit calls with new data: the panel of that element, made where there is none. */
function mounted(selector, make) {
  const panels = new WeakMap()
  return ({ data, parentElement, setTriggerValue }) => {
    const root = parentElement.querySelector(selector)
    if (!root || !data) return
    let panel = panels.get(root)
    if (!panel) panels.set(root, (panel = make(root)))
    panel.receive(data, setTriggerValue)
    return () => {
      panel.destroy()
      panels.delete(root)
    }
  }
}
