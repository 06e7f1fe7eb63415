// Draws rows of bits; a click (or Enter, Space) on a bit sends {row, place} to the server. One row
// is one stop of the Tab key; arrows, Home and End move within it and between rows.

const drawn = new WeakMap(); // root -> layout that it shows

const make = (tag, name, text) => {
  const element = document.createElement(tag);
  element.className = name;
  if (text !== undefined) element.textContent = text;
  return element;
};

const widthsOf = (group) =>
  group.heads.map((_, i) => Math.max(1, ...group.rows.map((row) => row.blocks[i].bits.length)));

const layoutOf = (groups) =>
  JSON.stringify(
    groups.map((group) => [
      group.title,
      group.heads,
      group.rows.map((row) => [row.key, row.title, row.blocks.map((b) => [b.field, b.signed, b.bits.length])]),
    ])
  );

const fieldOf = (block, i) => (block.signed && i === 0 ? "sign" : block.field);

// Fractions begin at the point, so they stand left; everything else ends at it.
function drawBlock(block, width, isRight) {
  const box = make("div", "block");
  box.style.setProperty("--cells", width);
  const gap = width - block.bits.length;
  [...block.bits].forEach((_, i) => {
    const bit = make("button", `bit ${fieldOf(block, i)}`);
    bit.type = "button";
    bit.tabIndex = -1;
    bit.style.gridColumn = String((isRight ? 0 : gap) + i + 1);
    box.append(bit);
  });
  return box;
}

function drawRow(row, widths) {
  const line = make("div", "row");
  line.dataset.row = row.key;
  const name = make("div", "name");
  name.append(make("div", "title", row.title), make("div", "hex"));
  const bits = make("div", "bits");
  bits.setAttribute("role", "group");
  const blocks = make("div", "blocks");
  row.blocks.forEach((b, i) =>
    blocks.append(drawBlock(b, widths[i], i > 0 && i === row.blocks.length - 1))
  );
  bits.append(blocks, make("div", "reading"));
  const result = make("div", "result");
  result.append(make("div", "value"), make("div", "error"));
  line.append(name, bits, result);
  [...bits.querySelectorAll(".bit")].forEach((bit, place) => {
    bit.dataset.place = place;
    if (place === 0) bit.tabIndex = 0;
  });
  return line;
}

function drawGroup(group) {
  const box = make("section", "group");
  const widths = widthsOf(group);
  const head = make("div", "row head");
  const names = make("div", "blocks");
  group.heads.forEach((text, i) => {
    const label = make("div", `label ${group.rows[0].blocks[i].field}`, text);
    label.style.setProperty("--cells", widths[i]);
    names.append(label);
  });
  const bits = make("div", "bits");
  bits.append(names);
  head.append(make("div", "name", group.title), bits, make("div", "result", "Value it stands for"));
  box.append(head, ...group.rows.map((row) => drawRow(row, widths)));
  return box;
}

const setText = (element, text) => {
  if (element.textContent !== text) element.textContent = text;
};

function fillRow(line, row) {
  setText(line.querySelector(".hex"), row.hexadecimal);
  setText(line.querySelector(".reading"), row.reading);
  setText(line.querySelector(".value"), row.value);
  setText(line.querySelector(".error"), row.error);
  line.querySelector(".bits").setAttribute("aria-label", `${row.title}: ${row.value}`);
  const digits = row.blocks.flatMap((b) => [...b.bits].map((digit, i) => [digit, fieldOf(b, i)]));
  line.querySelectorAll(".bit").forEach((bit, place) => {
    const [digit, field] = digits[place];
    setText(bit, digit);
    bit.classList.toggle("one", digit === "1");
    bit.disabled = digit !== "0" && digit !== "1";
    const number = digits.length - 1 - place;
    bit.title = `bit ${number}, ${field}`;
    bit.setAttribute("aria-label", `${row.title}, bit ${number}, ${field}: ${digit}. Flip it`);
  });
}

function focusBit(bit) {
  if (!bit) return;
  bit.closest(".bits").querySelectorAll(".bit").forEach((other) => (other.tabIndex = -1));
  bit.tabIndex = 0;
  bit.focus();
}

function onKey(event, root) {
  const bit = event.target.closest?.(".bit");
  if (!bit) return;
  const line = bit.closest(".row");
  const bits = [...line.querySelectorAll(".bit")];
  const place = Number(bit.dataset.place);
  const rows = [...root.querySelectorAll("[data-row]")];
  const near = (step) => rows[rows.indexOf(line) + step]?.querySelector('.bit[tabindex="0"]');
  const targets = {
    ArrowLeft: () => bits[place - 1],
    ArrowRight: () => bits[place + 1],
    Home: () => bits[0],
    End: () => bits[bits.length - 1],
    ArrowUp: () => near(-1),
    ArrowDown: () => near(1),
  };
  if (!targets[event.key]) return;
  event.preventDefault();
  focusBit(targets[event.key]());
}

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const root = parentElement.querySelector(".rows");
  if (!root || !data) return;
  const layout = layoutOf(data.groups);
  if (drawn.get(root) !== layout) {
    root.replaceChildren(...data.groups.map(drawGroup));
    drawn.set(root, layout);
  }
  const lines = root.querySelectorAll("[data-row]");
  data.groups.flatMap((group) => group.rows).forEach((row, i) => fillRow(lines[i], row));
  root.onclick = (event) => {
    const bit = event.target.closest(".bit");
    if (!bit || bit.disabled) return;
    focusBit(bit);
    const row = bit.closest(".row").dataset.row;
    setTriggerValue("flip", { row, place: Number(bit.dataset.place) });
  };
  root.onkeydown = (event) => onKey(event, root);
}
