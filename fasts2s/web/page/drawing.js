// Pictures of an answer, made of elements. Whatever a model or a reader wrote goes into textContent and title alone.
import { number, say } from "./texts.js";

const BLUE = "37, 99, 235";
const RED = "220, 38, 38";
export const LEAST = 0.001; // what is less probable is not told apart
const LONG = 2; // a symbol of more characters stands upright above its column

/** An element with a class and a text. */
export function element(tag, name = "", text = "") {
  const made = document.createElement(tag);
  if (name) made.className = name;
  made.textContent = text;
  return made;
}

/** A symbol as it can be seen: null is the end mark. */
export function visible(symbol) {
  if (symbol === null) return say("end");
  if (symbol === "\n") return "⏎";
  return symbol.replaceAll(" ", "␣").replaceAll("\n", "⏎") || "∅";
}

function symbolElement(tag, symbol, name = "") {
  const made = element(tag, name, visible(symbol));
  if (symbol === null) made.classList.add("mark");
  return made;
}

/** A probability: per cent, with more digits where it is small. */
export function percent(p) {
  if (p < LEAST) return `< ${number(100 * LEAST, 1)} %`;
  return `${number(100 * p, p < 0.1 ? 1 : 0)} %`;
}

/** The symbols of an answer as buttons; onChoose(k) when one is chosen. */
export function drawLetters(place, letters, onChoose) {
  place.replaceChildren(
    ...letters.map((letter, k) => {
      const button = element("button");
      button.type = "button";
      const bar = element("span", "bar");
      bar.style.height = `${100 * letter.p}%`;
      button.append(bar, symbolElement("span", letter.symbol, "symbol"), element("span", "chance", percent(letter.p)));
      button.addEventListener("click", () => onChoose(k));
      return button;
    }),
  );
}

/** What could have come in the place of a symbol; the one that came is always among them. */
export function drawOthers(place, letter) {
  const isThere = letter.others.some(([symbol]) => symbol === letter.symbol);
  const shown = isThere ? letter.others : [...letter.others, [letter.symbol, letter.p]];
  place.replaceChildren(
    ...shown.flatMap(([symbol, p]) => {
      const track = element("div");
      const bar = element("div", "bar");
      bar.style.width = `${100 * p}%`;
      track.append(bar);
      return [symbolElement("span", symbol, symbol === letter.symbol ? "chosen" : ""), track, element("span", "chance", percent(p))];
    }),
  );
}

/** Attention as a table: a row for every symbol of the answer, a column for every one of the question. */
export function drawAttention(place, weights, asked, said) {
  const table = element("table");
  const head = element("tr");
  const isLong = asked.some((symbol) => visible(symbol).length > LONG);
  head.append(element("td"), ...asked.map((symbol) => header(symbol, "col", isLong ? "long" : "")));
  head.firstChild.style.border = "0";
  table.append(head);
  weights.forEach((row, t) => {
    const line = element("tr");
    line.append(header(said[t], "row"));
    row.slice(0, asked.length).forEach((weight, s) => {
      const cell = element("td");
      cell.style.backgroundColor = `rgba(${BLUE}, ${weight})`;
      cell.title = `${visible(said[t])} ← ${visible(asked[s])}: ${percent(weight)}`;
      line.append(cell);
    });
    table.append(line);
  });
  place.replaceChildren(table);
}

function header(symbol, scope, name = "") {
  const made = symbolElement("th", symbol, name);
  made.scope = scope;
  return made;
}

/** The hidden state as a strip of colours. */
export function drawState(place, h) {
  place.replaceChildren(
    ...h.map((value, k) => {
      const cell = element("span");
      const colour = element("i");
      colour.style.backgroundColor = `rgba(${value < 0 ? BLUE : RED}, ${Math.min(Math.abs(value), 1)})`;
      cell.title = `h[${k}] = ${value}`;
      cell.append(colour);
      return cell;
    }),
  );
}
