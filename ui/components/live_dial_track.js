// The dial itself: rail, ticks, chips where every layer has the same bits, and the thumb.

const RAIL = 12 // what the rail stands back on both sides, so that the thumb has room
const MOST_FLIPS = 40

function trackLayout({ data }, width) {
  return { x: scale(data.unit.low, data.unit.high, RAIL, width - RAIL), width }
}

function drawTrackFrame(panel, { x, width }) {
  const { parts, data, colors } = panel
  const { unit } = data
  each(parts.ticks, "span", niceTicks(unit.low, unit.high, width / 80), (node, value) => {
    say(node, tickText(value))
    node.style.left = `${x(value)}px`
  })
  each(parts.chips, "button", chipsOf(data, x), (node, { bits, value, label }) => {
    const [color, ink] = bitColors(colors, bits)
    say(node, `${bits}`)
    node.type = "button"
    node.tabIndex = -1 // the keys of the dial and the number reach the same
    node.dataset.value = value
    node.title = `${label}: ${withSuffix(unit, dialText(unit, value))}`
    node.style.cssText = `left: ${x(value)}px; --chip: ${color}; --ink: ${ink}`
  })
}

/** One for each uniform width on the dial, as far as they do not lie on each other. */
function chipsOf({ marks, unit }, x) {
  const chips = []
  for (const mark of marks.filter(({ width }) => width)) {
    mark.x.forEach((cost, i) => {
      const value = snap(unit, cost / unit.per_unit, Math.ceil)
      const inside = cost / unit.per_unit <= unit.high + unit.step && cost / unit.per_unit >= unit.low - unit.step
      const free = chips.every((chip) => Math.abs(x(chip.value) - x(value)) > 20)
      if (inside && free) chips.push({ bits: mark.width[i], value, label: `${mark.width[i]} bits in every layer` })
    })
  }
  return chips
}

/** Where the layer in focus changes its bits, in the colour of the bits from there on. */
function drawFlips({ parts, data, path, focus, colors }, { x }) {
  const flips = []
  for (let i = 1; i < path.length; i++) {
    const bits = path.bitsAt(path.best[i], focus)
    const value = path.x[i] / data.unit.per_unit
    const inside = value >= data.unit.low && value <= data.unit.high
    if (inside && bits !== path.bitsAt(path.best[i - 1], focus)) flips.push({ bits, value })
  }
  const drawn = flips.length > MOST_FLIPS ? [] : flips
  const words = drawn.length ? `budgets at which ${data.layers.label[focus]} changes its bits` : ""
  say(parts.caption.lastElementChild, words)
  parts.caption.hidden = !words
  set(parts.thumb, { "aria-description": words && `${drawn.length} ${words}` })
  each(parts.flips, "i", drawn, (node, { bits, value }) => {
    node.style.left = `${x(value)}px`
    node.style.background = bitColors(colors, bits)[0]
    node.title = `${data.layers.label[focus]}: ${bitsText(bits)} from here on`
  })
}

function placeThumb({ parts, data, value, held }, { x }) {
  const place = Math.min(Math.max(x(value), x.from), x.to)
  const text = dialText(data.unit, value)
  parts.thumb.style.transform = `translateX(${place.toFixed(2)}px)`
  parts.thumb.classList.toggle("held", held === "pointer")
  parts.fill.style.width = `${(place - RAIL).toFixed(2)}px`
  set(parts.thumb, { "aria-valuenow": value, "aria-valuetext": withSuffix(data.unit, text) })
  if (parts.input.dataset.edited || parts.input.value === text) return
  parts.input.value = text
  parts.input.parentElement.style.setProperty("--ld-digits", digitsWide(text))
}
