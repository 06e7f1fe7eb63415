// The layer in focus, in words under its bar.

const BITS_ROOM = 104 // pixels that "16 bits, pinned" needs

/** How wide its name may be beside its bits, in pixels. */
function layerLayout({ parts }) {
  const { root } = parts.bars
  pen.font = `600 13px ${getComputedStyle(root).fontFamily}`
  return { room: parts.layerName.parentElement.clientWidth - BITS_ROOM, font: pen.font, name: null, text: "" }
}

function drawLayer(panel, layout, bits) {
  const { parts, data, focus, pins } = panel
  const { label, share } = data.layers
  const known = label[focus] !== undefined
  const loss = lossAt(data.layers, focus, bits[focus])
  const pinned = pins[focus] !== null
  say(parts.layerName, known ? fittedName(layout, label[focus]) : "")
  parts.layerName.title = known ? label[focus] : ""
  say(parts.layerNow, known && bits[focus] !== undefined ? bitsText(bits[focus]) + (pinned ? ", pinned" : "") : "")
  const facts = [
    `${shareText(share[focus] ?? 0)} of weights`,
    loss === null ? "" : `\u0394L alone ${lossText(loss)}`,
    pinned ? `pin costs ${pinCostText(panel)}` : "",
  ]
  each(parts.facts, "span", known ? facts.filter(Boolean) : [], say)
}

/** What the pin of the layer in focus costs, at the budget that the server last answered. */
function pinCostText({ data, focus, pins, held, value, outbox }) {
  const settled = data.focus === focus && !held && !outbox.length && value === data.value
  const text = pinText(settled ? data.pin_costs : null, pins[focus])
  return text === "free" ? "nothing" : text
}

/** The name, without its middle where it is too wide; measured once for each. */
function fittedName(layout, name) {
  if (layout.name !== name) {
    pen.font = layout.font
    Object.assign(layout, { name, text: withoutMiddle(name, (text) => pen.measureText(text).width <= layout.room) })
  }
  return layout.text
}

/** Example: "features.13.block.expand" -> "feature\u2026.expand", the longest that fits. */
function withoutMiddle(text, fits) {
  if (fits(text)) return text
  for (let kept = text.length - 1; kept > 4; kept--) {
    const shorter = `${text.slice(0, Math.floor(kept / 2))}\u2026${text.slice(text.length - Math.ceil(kept / 2))}`
    if (fits(shorter)) return shorter
  }
  return `${text.slice(0, 3)}\u2026`
}

/** The widths that a layer can be pinned to. */
function widthsOf({ widths, can }, layer) {
  return can ? widths.filter((_, i) => can[layer]?.[i]) : widths
}

/** ΔL of a layer alone at that width; null where it was not measured. */
function lossAt({ widths, losses }, layer, bits) {
  const place = widths.indexOf(bits)
  return place < 0 ? null : (losses[layer]?.[place] ?? null)
}
