// What the visitor does: at once on the page, and told to the server once it rests.

Panel.prototype.moveTo = function (value, by) {
  const { unit } = this.data
  const next = snap(unit, value)
  if (!Number.isFinite(next)) return
  this.held = by
  this.value = next
  delete this.parts.input.dataset.edited
  clearTimeout(this.resting)
  if (by === "keys") this.resting = setTimeout(() => this.release(), REST)
  this.schedule()
}

/** Tell the server, once, where the dial was let go. */
Panel.prototype.release = function () {
  clearTimeout(this.resting)
  this.held = null
  if (this.value !== this.said) {
    this.said = this.value
    this.tell({ kind: "released", value: this.value })
  } else if (this.settled !== this.data && !this.outbox.length) this.settle(this.data, false)
  this.schedule()
}

/** Each message repeats what is unheard, so that none is lost where two are sent at once. */
Panel.prototype.tell = function (event) {
  this.serial += 1
  this.outbox.push({ ...event, serial: this.serial })
  this.send("event", { events: this.outbox })
  this.schedule()
}

/** What rests on a timer is told before anything else is. */
Panel.prototype.hurry = function () {
  if (this.held === "keys") this.release()
  if (this.turning) this.tellFocus()
}

Panel.prototype.turnTo = function (layer, rest = 0) {
  this.focus = Math.max(Math.min(layer, this.data.layers.label.length - 1), 0)
  if (this.popover !== null) this.popover = this.focus
  clearTimeout(this.turning)
  this.turning = setTimeout(() => this.tellFocus(), rest)
  if (this.layout) this.layout.flipsOf = null
  this.schedule()
}

Panel.prototype.tellFocus = function () {
  clearTimeout(this.turning)
  this.turning = null
  if (this.focus !== this.data.focus || !this.data.pin_costs) this.tell({ kind: "focus", layer: this.focus })
}

Panel.prototype.pin = function (layer, bits) {
  if (layer === null || this.pins[layer] === undefined) return
  this.closePopover()
  if (this.pins[layer] === bits) return
  this.hurry()
  this.pins[layer] = bits
  if (bits !== null) this.ahead = { ...this.ahead, [layer]: bits }
  this.tell({ kind: "pin", layer, bits })
}

Panel.prototype.act = function (kind) {
  const { can_undo, can_redo, can_keep } = this.data
  if ((kind === "undo" && !can_undo) || (kind === "redo" && !can_redo)) return
  if (kind === "keep" && !can_keep) return this.tellBeside(this.parts.keep, KEPT_ALL)
  this.hurry()
  this.tell({ kind })
}
