// State.

const REST = 250 // milliseconds without a key after which the server hears of it
const KEPT_ALL = "four are kept; remove one under Compare first"

function findParts(root) {
  const one = (selector) => root.querySelector(selector)
  const box = (name, inner) => {
    const found = { root: one(name), svg: one(`${name} svg`) }
    for (const part of inner) found[part] = one(`${name} .${part}`)
    return found
  }
  return {
    name: one(".name"), input: one(".value"), suffix: one(".suffix"), hint: one(".hint"), tools: one(".tools"),
    track: one(".track"), fill: one(".fill"), thumb: one(".thumb"), ticks: one(".ticks"), chips: one(".chips"),
    flips: one(".flips"), caption: one(".caption"), keep: one("[data-do=keep]"), tiles: one(".tiles"), layer: one(".layer"),
    layerName: one(".layer b"), layerNow: one(".now"), facts: one(".facts"), popover: one(".popover"), about: one(".about"), choices: one(".choices"),
    unpin: one(".unpin"), help: one(".help"), tip: one(".tip"),
    bars: box(".bars", ["column", "grid", "rects", "breaks", "numbers", "pins", "hovered", "outline", "axes"]),
    curve: box(".curve", [
      "grid", "zero", "cloud", "band", "others", "frontier", "dots", "squares", "signs", "kept", "crosses",
      "guides", "range", "labels", "near", "current", "axes",
    ]),
  }
}

/** Another unit, or another network: nothing of what was dialled holds. */
function otherDial(data, before) {
  const unit = ["cost", "per_unit", "label"].some((name) => data.unit[name] !== before.unit[name])
  return unit || data.layers.label.join("\n") !== before.layers.label.join("\n")
}

class Panel extends LivePanel {
  constructor(root) {
    super(root)
    this.parts = findParts(root)
    this.held = null // "pointer" or "keys", while they move the dial
    this.outbox = [] // what the server has not been seen to hear
    this.popover = null // the layer whose bits are offered
    this.listen()
    this.watch()
  }

  /** New data from the server: taken up in place, without undoing what the pointer does now. */
  receive(data, send) {
    const before = this.data
    const other = !before || otherDial(data, before)
    this.data = data
    this.send = send
    this.colors = data.colors
    this.path = new Path(data.path, data.unit.cost, data.places)
    this.confirmed = data.confirmed && new Path(data.confirmed, data.unit.cost, data.places).at(0)
    if (!before) this.serial = data.heard
    this.outbox = this.outbox.filter((event) => event.serial > data.heard)
    if (other || (!this.held && !this.outbox.length)) this.settle(data, other)
    this.focus = Math.min(this.focus, Math.max(data.layers.label.length - 1, 0))
    if (this.popover !== null && this.popover >= data.layers.label.length) this.closePopover()
    this.dress()
    this.redraw()
  }

  /** The server has heard everything, so what it says holds. */
  settle(data, other) {
    if (other) {
      for (const timer of [this.resting, this.turning]) clearTimeout(timer)
      this.held = this.turning = null
    }
    this.settled = data
    this.value = this.said = data.value
    this.pins = data.layers.pin.slice()
    this.ahead = null
    if (!this.turning) this.focus = data.focus
  }

  /** Colours, names, and what screen readers say. */
  dress() {
    const { data, parts } = this
    const { unit } = data
    for (const [name, color] of Object.entries(data.colors)) {
      if (typeof color === "string") this.root.style.setProperty(`--ld-${name}`, color)
    }
    say(parts.name, `${unit.label}, at most`)
    say(parts.suffix, suffixText(unit))
    const widest = Math.max(...[unit.low, unit.high].map((value) => digitsWide(dialText(unit, value))))
    this.root.style.setProperty("--ld-widest", widest)
    set(parts.thumb, { "aria-label": `${unit.label}, at most`, "aria-valuemin": unit.low, "aria-valuemax": unit.high })
    parts.curve.svg.setAttribute("aria-label", data.alt)
    parts.bars.root.setAttribute("aria-label", "Bits of each layer. Brackets choose a layer, Enter offers bits to pin it to.")
    const enabled = { undo: data.can_undo, redo: data.can_redo, keep: data.can_keep }
    for (const [name, on] of Object.entries(enabled)) parts.tools.querySelector(`[data-do=${name}]`).disabled = !on
    parts.keep.title = data.can_keep ? "Keep this configuration to compare it (k)" : KEPT_ALL
    dressTiles(this)
  }

  /** What is shown: the confirmed optimum where the dial rests on it, else the path's point. */
  shownPoint() {
    const { data, confirmed } = this
    if (confirmed && !this.held && this.value === data.value) return confirmed
    return this.path.within(this.value * data.unit.per_unit)
  }

  /** Bits of the point shown; a pin that the server is still to hear of is ahead of it. */
  shownBits() {
    const bits = this.shownPoint()?.bits ?? []
    return this.ahead ? bits.map((value, i) => this.ahead[i] ?? value) : bits
  }

  /** What depends on data and size alone; false where the panel is not seen. */
  measure() {
    const { parts } = this
    const [width, height] = [parts.bars.root.clientWidth, parts.bars.root.clientHeight]
    if (width < 50 || !this.data) return false
    this.layout = {
      bars: barsLayout(this, width, height),
      curve: curveLayout(this, parts.curve.root.clientWidth, parts.curve.root.clientHeight),
      track: trackLayout(this, parts.track.clientWidth),
      layer: layerLayout(this),
      flipsOf: null,
    }
    drawBarFrame(this, this.layout.bars)
    drawCurveFrame(this, this.layout.curve)
    drawPath(this, this.layout.curve)
    drawMarks(this, this.layout.curve)
    drawTrackFrame(this, this.layout.track)
    return true
  }

  draw() {
    if (!this.layout && !this.measure()) return
    const { layout } = this
    const point = this.shownPoint()
    const bits = this.shownBits()
    placeThumb(this, layout.track)
    drawTiles(this, point)
    drawHint(this)
    drawBars(this, layout.bars, bits)
    drawPins(this, layout.bars, this.pins)
    drawCurrent(this, layout.curve, point)
    drawLayer(this, layout.layer, bits)
    if (layout.flipsOf !== this.focus) drawFlips(this, layout.track)
    layout.flipsOf = this.focus
    this.drawPopover()
  }

  destroy() {
    super.destroy()
    for (const timer of [this.resting, this.turning, this.typing, this.telling]) clearTimeout(timer)
    this.unlisten()
  }
}
