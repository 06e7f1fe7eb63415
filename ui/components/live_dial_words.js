// Numbers as people read them.

const NONE = "\u2013"
const SUPERSCRIPT = "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079"

/** Three digits, as 4.57, 45.7, 457. */
function digits(value) {
  return value.toFixed(value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2)
}

function sizeText(value) {
  for (const [limit, unit] of [[1e9, "GB"], [1e6, "MB"], [1e3, "kB"]]) {
    if (value >= limit) return `${digits(value / limit)} ${unit}`
  }
  return `${value.toFixed(0)} B`
}

/** \u0394L with its sign, always three digits. */
function lossText(value) {
  if (value === null) return NONE
  if (value === 0) return "0"
  const sign = value > 0 ? "+" : "\u2212"
  const size = Math.abs(value)
  if (size < 1e-3 || size >= 1e5) return sign + minus(size.toExponential(1))
  return sign + Number(size.toPrecision(3)).toFixed(Math.max(0, 2 - Math.floor(Math.log10(size))))
}

function intervalText({ low, high }) {
  return low === null || high === null ? "" : `${lossText(low)} to ${lossText(high)}`
}

function powerText(value) {
  if (value === 0) return "0"
  const exponent = Math.round(Math.log10(Math.abs(value)))
  const sign = value < 0 ? "\u2212" : ""
  if (exponent >= -3 && exponent <= 3) return sign + String(Number((10 ** exponent).toPrecision(1)))
  const raised = [...String(Math.abs(exponent))].map((digit) => SUPERSCRIPT[digit]).join("")
  return `${sign}10${exponent < 0 ? "\u207b" : ""}${raised}`
}

const tickText = (value) => minus(String(Number(value.toPrecision(6))))
const shareText = (share) =>
  share > 0 && share < 0.0005 ? "<0.1 %" : `${(100 * share).toFixed(share < 0.0995 ? 1 : 0)} %`

function bitsText(bits) {
  if (bits === 0) return "pruned"
  return `${Number.isInteger(bits) ? bits : bits.toFixed(2)} ${bits === 1 ? "bit" : "bits"}`
}

/** Number and unit of a tile: of a cost, the loss, or how much smaller than at 32 bit. */
function tileTexts({ cost, per_unit, decimals, suffix }, point, fullBytes) {
  if (!point) return [NONE, ""]
  if (cost === "loss") return [lossText(point.loss), ""]
  const size = point.costs.size_bytes
  if (cost === "ratio") return [size ? `${digits(fullBytes / size)}\u00d7` : NONE, ""]
  const value = point.costs[cost]
  if (value === null || value === undefined) return [NONE, ""]
  return [dialText({ decimals }, value / per_unit), suffix]
}

const dialText = ({ decimals }, value) => minus(value.toFixed(decimals))
/** How wide a number is, in digits; its point is half as wide as one. */
const digitsWide = (text) => text.length - (text.includes(".") ? 0.5 : 0)
const suffixText = ({ suffix }) => suffix.trim()
const withSuffix = (unit, text) => `${text} ${suffixText(unit)}`.trim()

/** What pinning costs: `known` maps widths to it, null until the server has said. */
function pinText(known, bits) {
  if (!known) return "\u2026"
  const cost = known[bits]
  if (cost === undefined || cost === null) return "not possible"
  return Math.abs(cost) < 1e-9 ? "free" : lossText(cost)
}
