// Bits to pin a layer to, beside its bar, each with what that costs.

Panel.prototype.openPopover = function (layer) {
  if (this.data.layers.label[layer] === undefined) return
  this.popover = layer
  this.drawPopover()
  const { choices } = this.parts
  ;(choices.querySelector(".now") ?? choices.firstElementChild)?.focus({ preventScroll: true })
}

Panel.prototype.closePopover = function () {
  if (this.popover === null) return false
  const inside = this.parts.popover.contains(this.root.getRootNode().activeElement)
  this.popover = null
  this.parts.popover.hidden = true
  if (inside) this.parts.bars.root.focus({ preventScroll: true })
  return true
}

Panel.prototype.drawPopover = function () {
  const { parts, data, popover: layer } = this
  if (layer === null || !this.layout) return
  const { label, share } = data.layers
  const [name, about] = parts.about.children
  const pin = this.pins[layer]
  const bits = this.shownBits()[layer]
  // They are known of the layer that the server holds in focus, unless it is asked anew.
  const known = data.focus === layer && !this.outbox.length ? data.pin_costs : null
  say(name, label[layer])
  say(about, `${shareText(share[layer] ?? 0)} of weights`)
  parts.popover.setAttribute("aria-label", `Pin ${label[layer]}`)
  each(parts.choices, "button", widthsOf(data.layers, layer), (node, width) => {
    const loss = lossAt(data.layers, layer, width)
    const [color, ink] = bitColors(this.colors, width)
    const cost = pinText(known, width)
    node.type = "button"
    node.dataset.bits = width
    node.className = [width === bits && "now", width === pin && "pinned"].filter(Boolean).join(" ")
    node.setAttribute("aria-pressed", String(width === pin))
    node.setAttribute("aria-label", `${bitsText(width)}, pinning costs ${cost === "\u2026" ? "not known yet" : cost}`)
    node.style.cssText = `--chip: ${color}; --ink: ${ink}`
    each(node, "span", [`${width}`, loss === null ? NONE : lossText(loss), cost], (cell, text) => say(cell, text))
    node.lastElementChild.className = { free: "free", "not possible": "never" }[cost] ?? ""
  })
  parts.unpin.hidden = pin === null
  parts.popover.hidden = false
  this.placePopover(layer, bits ?? 0)
}

/** To the right of its bar where there is room, else to the left, else over the plot's middle. */
Panel.prototype.placePopover = function (layer, bits) {
  const { popover, bars } = this.parts
  const [outer, plot] = [this.root.getBoundingClientRect(), bars.root.getBoundingClientRect()]
  const box = barBox(this.layout.bars, layer, bits)
  const [left, right] = [plot.left - outer.left + box.x, plot.left - outer.left + box.x + box.width]
  const width = popover.offsetWidth
  const middle = (left + right - width) / 2
  const place = right + 12 + width < outer.width ? right + 12 : left - 12 - width > 0 ? left - 12 - width : middle
  const top = plot.top - outer.top + (plot.height - popover.offsetHeight) / 2
  popover.style.transform = `translate(${Math.round(Math.max(place, 4))}px, ${Math.round(Math.max(top, 4))}px)`
}

Panel.prototype.listenToPopover = function () {
  const { parts } = this
  parts.choices.onclick = ({ target }) => {
    const choice = target.closest("button")
    if (choice) this.pin(this.popover, Number(choice.dataset.bits))
  }
  parts.unpin.onclick = () => this.pin(this.popover, null)
  parts.popover.onkeydown = (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (!step) return
    event.preventDefault()
    event.stopPropagation()
    const buttons = [...parts.popover.querySelectorAll("button:not([hidden])")]
    const here = buttons.indexOf(this.root.getRootNode().activeElement)
    buttons[(here + step + buttons.length) % buttons.length].focus()
  }
}
