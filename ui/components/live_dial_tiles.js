// Headline figures and the words beside the dial.

function dressTiles({ parts, data }) {
  each(parts.tiles, "div", data.tiles, (node, { cost, label, help }) => {
    if (!node.firstChild) {
      const [value, figure] = [document.createElement("dd"), document.createElement("b")]
      figure.append(document.createElement("span"), document.createElement("small"))
      value.append(figure, document.createElement("span"))
      node.append(document.createElement("dt"), value)
    }
    say(node.firstChild, label)
    set(node, { tabindex: 0, "aria-description": help, "data-tile": cost })
  })
}

function drawTiles({ parts, data }, point) {
  data.tiles.forEach((tile, i) => {
    const [value, beside] = parts.tiles.children[i].lastChild.children
    const interval = tile.cost === "loss" && point ? intervalText(point) : ""
    const [number, suffix] = tileTexts(tile, point, data.full_bytes)
    say(value.firstChild, number)
    say(value.lastChild, suffix && ` ${suffix}`)
    say(beside, interval && `95 %: ${interval}`)
  })
}

/** Whether what is shown is followed, awaited, or what the server has confirmed. */
function drawHint(panel) {
  const { parts, data, held, outbox } = panel
  const here = panel.value === data.value
  const state = held ? "live" : outbox.length ? "waiting" : here && panel.confirmed ? data.confirmed_state : "plain"
  const words = {
    live: "live: the frontier at this budget",
    waiting: "solving\u2026",
    confirmed: data.confirmed_text,
    infeasible: data.confirmed_text,
    plain: (here && data.confirmed_text) || (panel.path.length ? "the frontier at this budget" : "nothing to dial yet"),
  }
  parts.hint.dataset.state = state
  say(parts.hint.lastElementChild, words[state])
}
