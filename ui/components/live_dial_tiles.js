// Headline figures and the words beside the dial.

function dressTiles({ parts, data }) {
  each(parts.tiles, "div", data.tiles, (node, { cost, label, help }) => {
    if (!node.firstChild) {
      const value = document.createElement("dd")
      value.append(document.createElement("b"), document.createElement("span"))
      node.append(document.createElement("dt"), value)
    }
    say(node.firstChild, label)
    node.firstChild.title = `${label}. ${help}`
    node.dataset.tile = cost
  })
}

function drawTiles({ parts, data }, point) {
  data.tiles.forEach(({ cost }, i) => {
    const [value, beside] = parts.tiles.children[i].lastChild.children
    say(value, tileText(cost, point, data.full_bytes))
    say(beside, cost === "loss" && point ? intervalText(point) : "")
  })
}

/** Whether what is shown is followed, awaited, or what the server has confirmed. */
function drawHint(panel) {
  const { parts, data, held, outbox } = panel
  const here = panel.value === data.value
  const state = held ? "live" : outbox.length ? "waiting" : here && panel.confirmed ? "confirmed" : "plain"
  const words = {
    live: "live: the frontier at this budget",
    waiting: "solving\u2026",
    confirmed: data.confirmed_text,
    plain: (here && data.confirmed_text) || (panel.path.length ? "the frontier at this budget" : "nothing to dial yet"),
  }
  parts.hint.dataset.state = state
  say(parts.hint.lastElementChild, words[state])
}

function drawLayer({ parts, data, focus, pins }, bits) {
  const { label, share } = data.layers
  const loss = lossAt(data.layers, focus, bits[focus])
  const known = label[focus] !== undefined
  say(parts.layerName, known ? label[focus] : "")
  parts.layerName.title = parts.layerName.textContent
  const facts = [
    bits[focus] === undefined ? "" : bitsText(bits[focus]) + (pins[focus] === null ? "" : ", pinned"),
    `${shareText(share[focus] ?? 0)} of weights`,
    loss === null ? "" : `\u0394L alone ${lossText(loss)}`,
  ]
  say(parts.facts, known ? facts.filter(Boolean).join(" \u00b7 ") : "")
  parts.facts.title = parts.facts.textContent
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
