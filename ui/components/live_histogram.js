// State, pointers and keys.

const STEP = { ArrowRight: 1.01, ArrowUp: 1.01, ArrowLeft: 1 / 1.01, ArrowDown: 1 / 1.01, PageUp: 1.1, PageDown: 1 / 1.1 }

function findParts(root) {
  const one = (selector) => root.querySelector(selector)
  const all = (selector) => [...root.querySelectorAll(selector)]
  const box = (name, selectors) => {
    const found = { root: one(name), svg: one(`${name} svg`) }
    for (const [key, selector] of Object.entries(selectors)) found[key] = one(`${name} ${selector}`)
    return found
  }
  const main = box(".main", { grid: ".grid", hovered: ".hovered", band: ".band", levels: ".levels", lines: ".lines", axes: ".axes", base: ".base" })
  main.bars = all(".main .bars")
  main.shades = all(".main .shades rect")
  main.clips = all(".main clipPath rect")
  return {
    main,
    divergence: box(".divergence", { grid: ".grid", cursor: ".cursor", curve: ".curve", best: ".best", leader: ".leader", here: ".here", axes: ".axes", label: ".best-label" }),
    side: box(".side", { grid: ".grid", curve: ".curve", points: ".points", value: ".value", axes: ".axes" }),
    labels: one(".labels"),
    handles: all(".handle"),
    tip: one(".tip"),
    cells: one(".cells"),
    slider: one(".bits-input"),
    reset: one(".reset"),
    readouts: Object.fromEntries(all("[data-readout]").map((n) => [n.dataset.readout, n])),
  }
}

class Panel extends LivePanel {
  constructor(root) {
    super(root)
    this.parts = findParts(root)
    this.hand = null // the threshold dragged by hand
    this.held = null // the slider or handle that pointer or key hold now
    this.listen()
    this.watch()
  }

  /** New data from the server: taken up in place, without undoing what the pointer does now. */
  receive(data, send) {
    const before = this.data
    this.send = send
    this.data = data
    if (data.revision !== before?.revision) this.histogram = histogramOf(data)
    if (!before) this.serial = data.heard
    if (data.heard >= this.serial && !this.held) this.settle(data)
    if (!data.widths.includes(this.bits)) this.bits = data.bits
    this.dress()
    this.redraw()
  }

  /** The server has heard the last release, so what it says holds. */
  settle(data) {
    if (data.revision !== this.settled?.revision) this.hand = null
    if (data.bits !== this.settled?.bits) this.bits = data.bits
    this.settled = data
    this.said = this.place()
  }

  /** Colours, the bits that can be chosen, and words for screen readers. */
  dress() {
    const { data, parts } = this
    this.colors = data.colors.bits
    for (const [name, color] of Object.entries(data.colors)) {
      if (typeof color === "string") this.root.style.setProperty(`--lh-${name}`, color)
    }
    parts.main.svg.setAttribute("aria-label", data.alt)
    parts.slider.max = String(data.widths.length - 1)
    parts.slider.parentElement.style.setProperty("--cells", data.widths.length)
    each(parts.cells, "span", data.widths, (node, width) => {
      node.textContent = width
      node.style.setProperty("--cell", this.colors[width])
    })
    parts.readouts.kl.hidden = Object.keys(data.curves).length === 0
    parts.divergence.root.hidden = parts.readouts.kl.hidden
    parts.handles.forEach((handle) => {
      handle.setAttribute("aria-label", `Threshold, ${handle.dataset.side === "1" ? "right" : "left"}`)
    })
  }

  threshold(bits = this.bits) {
    return this.hand ?? this.data.thresholds[bits]
  }

  place() {
    return JSON.stringify([this.bits, this.hand])
  }

  /** Tell the server, once, where the visitor let go. */
  release() {
    if (this.place() === this.said) return
    this.said = this.place()
    this.serial += 1
    this.send("released", { bits: this.bits, threshold: this.hand, serial: this.serial })
  }

  /** That control is let go; moving the focus to another must not end what that one began. */
  letGo(control) {
    if (this.held !== control) return
    this.held = null
    this.release()
  }

  chooseBits(bits) {
    this.bits = bits
    this.schedule()
  }

  chooseThreshold(value) {
    const { reach } = this.layout
    if (!Number.isFinite(value) || this.data.scheme === "levels") return
    const least = Math.min(this.histogram.width, reach / 100)
    this.hand = Math.min(Math.max(Math.abs(value), least), reach)
    this.schedule()
  }

  measure() {
    const { parts } = this
    const width = parts.main.root.clientWidth
    const sideWidth = parts.side.root.clientWidth
    if (width < 50 || !this.data) return false
    this.layout = layoutOf(this, width, sideWidth)
    this.layout.sideTop = sqnrTop(this, this.layout.reach)
    this.layout.divergence = divergenceScale(this.data.curves)
    drawFrame(this, this.layout)
    drawBars(this, this.layout)
    return true
  }

  draw() {
    if (!this.layout && !this.measure()) return
    const { data, bits, layout } = this
    const threshold = this.threshold()
    const levels = levelsOf(data, bits, threshold)
    const errors = data.widths.map((b) =>
      roundingError(this.histogram, b === bits ? levels : levelsOf(data, b, this.threshold(b))),
    )
    drawLevels(this, layout, levels, this.colors[bits])
    drawBeyond(this, layout, levels, threshold)
    if (layout.linesOf !== bits) drawLines(this, layout)
    layout.linesOf = bits
    placeHandles(this, layout, threshold)
    drawDivergence(this, layout, threshold, this.colors[bits])
    this.sideBox = drawSide(this, layout, errors.map((error) => error.sqnr))
    const clipped = clippedShare(this.histogram, keptRange(data, levels, threshold))
    this.showReadouts(threshold, stepOf(levels), { ...errors[data.widths.indexOf(bits)], clipped })
    this.showBits()
  }

  showReadouts(threshold, step, { mse, sqnr, clipped }) {
    const kl = divergenceAt(this.data.curves[this.bits], threshold)
    const exact = mse === 0 ? "exact" : "\u2013"
    this.show("threshold", threshold, readable(threshold))
    this.show("step", step, step === null ? "uneven" : readable(step))
    this.show("clipped", clipped, percentText(clipped))
    this.show("mse", mse, readable(mse))
    this.show("sqnr", sqnr, sqnr === null ? exact : minus(`${sqnr.toFixed(2)} dB`))
    this.show("kl", kl, readable(kl))
    this.parts.reset.classList.toggle("on", this.hand !== null)
    this.parts.reset.tabIndex = this.hand === null ? -1 : 0
  }

  show(name, value, text) {
    const field = this.parts.readouts[name].lastElementChild
    field.textContent = text
    field.title = value === null ? "" : String(value)
  }

  showBits() {
    const { slider, cells } = this.parts
    const index = String(this.data.widths.indexOf(this.bits))
    if (slider.value !== index) slider.value = index
    slider.setAttribute("aria-valuetext", `${this.bits} bits`)
    each(cells, "span", this.data.widths, (node, width) => {
      node.classList.toggle("on", width === this.bits)
    })
  }
}
