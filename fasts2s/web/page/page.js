// The page: what is chosen goes to the server, what it answers is drawn.
import { LEAST, drawAttention, drawLetters, drawOthers, drawState, element, percent } from "./drawing.js";
import { chooseLanguage, has, number, say } from "./texts.js";

const $ = (id) => document.getElementById(id);
const SLIDERS = ["temperature", "beam", "nbest", "length"];

let models = [];
let mostText = 0;
let last = null; // the last question's answer, and which of its parts are chosen
let status = null; // what the line of news says, so that it can be said in another language
let waiting = false;

function model() {
  return models[$("model").selectedIndex];
}

// ---- language ----------------------------------------------------------------------------------------------------

function remembered() {
  try {
    return localStorage.getItem("fasts2s.language");
  } catch {
    return null; // storage is switched off
  }
}

function setLanguage(wanted) {
  const language = chooseLanguage(wanted);
  document.documentElement.lang = language;
  $("language").value = language;
  for (const one of document.querySelectorAll("[data-text]")) one.textContent = say(one.dataset.text);
  showModel();
  showSliders();
  showStatus();
  if (last) showAnswer();
}

$("language").addEventListener("change", (event) => {
  try {
    localStorage.setItem("fasts2s.language", event.target.value);
  } catch {
    // it is chosen for this visit only
  }
  setLanguage([event.target.value]);
});

// ---- what is asked -----------------------------------------------------------------------------------------------

function showModel() {
  const facts = model();
  if (!facts) return;
  const vocabulary = facts.vocabulary.map((size) => number(size)).join(" → ");
  const values = { ...facts, parameters: number(facts.parameters), symbols: say(facts.symbols), vocabulary };
  $("facts").textContent = `${say(`kind_${facts.kind}`)} · ${say("facts", values)}`;
  $("input-text").hidden = facts.input !== "text";
  $("text").placeholder = say(`try_${facts.kind}`);
  $("length-field").hidden = facts.kind !== "lm";
}

function showSliders() {
  for (const name of SLIDERS) {
    $(`${name}-shown`).textContent = number(Number($(name).value), name === "temperature" ? 1 : 0);
  }
  const drawn = Number($("temperature").value) > 0;
  $("beam").disabled = drawn; // what is drawn is not searched for
}

function question() {
  const asked = { model: model().name, text: $("text").value, seed: Math.floor(Math.random() * 2 ** 32) };
  for (const name of SLIDERS) asked[name] = Number($(name).value);
  return asked;
}

$("model").addEventListener("change", () => {
  last = null;
  $("shown").hidden = true;
  setStatus("hint");
  $("text").value = "";
  $("temperature").value = model().temperature;
  showModel();
  showSliders();
});
for (const name of SLIDERS) {
  $(name).addEventListener("input", showSliders);
  $(name).addEventListener("change", () => last && ask());
}
$("text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    ask();
  }
});
$("question").addEventListener("submit", (event) => {
  event.preventDefault();
  ask();
});

// ---- asking ------------------------------------------------------------------------------------------------------

function setStatus(key, values = {}, detail = "") {
  status = key && { key, values, detail };
  showStatus();
}

function showStatus() {
  $("status").textContent = status ? `${say(status.key, status.values)} ${status.detail}`.trim() : "";
  $("status").classList.toggle("wrong", Boolean(status?.key.startsWith("error_")));
}

function complain(code, detail = "") {
  const key = has(`error_${code}`) ? `error_${code}` : "error_other";
  // What the page can say itself needs no words of the server.
  setStatus(key, { most: number(mostText) }, key === "error_refused" || key === "error_other" ? detail : "");
}

async function ask() {
  if (waiting || !model()) return;
  const asked = question();
  if (!asked.text.trim()) return complain("empty");
  if ([...asked.text].length > mostText) return complain("too_long");
  waiting = true;
  $("ask").disabled = true;
  const slow = setTimeout(() => setStatus("working"), 300);
  try {
    const began = performance.now();
    const answer = await post(asked);
    last = { asked, answer, seconds: (performance.now() - began) / 1000, choice: 0, letter: 0 };
    setStatus(null);
    showAnswer();
  } catch (error) {
    last = null; // an older answer beside it would look like this one's
    $("shown").hidden = true;
    complain(error.code ?? "gone", error.code ? error.message : "");
  } finally {
    clearTimeout(slow);
    waiting = false;
    $("ask").disabled = false;
    if (status?.key === "working") setStatus(null);
  }
}

async function post(asked) {
  const headers = { "Content-Type": "application/json" };
  const response = await fetch("answer", { method: "POST", headers, body: JSON.stringify(asked) });
  const content = await response.json().catch(() => ({ error: "other", message: `HTTP ${response.status}` }));
  if (!response.ok) throw Object.assign(new Error(content.message), { code: content.error });
  return content;
}

// ---- the answer --------------------------------------------------------------------------------------------------

function showAnswer() {
  const { asked, answer, seconds } = last;
  $("answers").replaceChildren(...answer.answers.map(answerItem));
  const remarks = [say("ready", { seconds: number(seconds, 2) })];
  if (answer.unknown.length) remarks.push(say("unknown", { list: answer.unknown.join(", ") }));
  if (answer.cut) remarks.push(say("cut", { count: number(answer.cut) }));
  if (asked.temperature > 0) remarks.push(say("drawn"));
  $("remarks").textContent = remarks.join(" ");
  const isLm = model().kind === "lm";
  const looks = answer.answers.some((one) => one.attention);
  $("state-note").textContent = say(isLm ? "state_note_lm" : looks ? "state_note_attention" : "state_note");
  $("state-size").textContent = say("units", { count: number(answer.h.length) });
  drawState($("state"), answer.h);
  $("shown").hidden = false;
  choose(last.choice);
}

function answerItem(one, k) {
  const item = element("li");
  const button = element("button");
  button.type = "button";
  const p = Math.exp(one.score);
  const chance = p >= LEAST ? percent(p) : `log p = ${number(one.score, 1)}`;
  button.append(element("span", "said", one.text || say("nothing")), element("span", "chance", chance));
  button.addEventListener("click", () => {
    last.letter = 0;
    choose(k);
  });
  item.append(button);
  return item;
}

function choose(k) {
  last.choice = k;
  press($("answers"), k);
  const one = last.answer.answers[k];
  drawLetters($("letters"), one.letters, chooseLetter);
  chooseLetter(last.letter);
  $("attention-part").hidden = !one.attention;
  if (one.attention) {
    drawAttention($("attention"), one.attention, last.answer.asked, one.letters.map((letter) => letter.symbol));
  }
}

function chooseLetter(k) {
  last.letter = k;
  press($("letters"), k);
  const letter = last.answer.answers[last.choice].letters[k];
  if (letter) drawOthers($("others"), letter);
  else $("others").replaceChildren();
}

function press(place, chosen) {
  [...place.querySelectorAll("button")].forEach((button, k) => button.setAttribute("aria-pressed", k === chosen));
}

// ---- start -------------------------------------------------------------------------------------------------------

async function start() {
  const stored = remembered();
  setLanguage(stored ? [stored] : navigator.languages);
  try {
    const listed = await (await fetch("models")).json();
    models = listed.models;
    mostText = listed.most_text;
  } catch {
    return complain("gone");
  }
  $("model").replaceChildren(...models.map((facts) => element("option", "", facts.name)));
  $("temperature").value = model().temperature;
  setStatus("hint");
  showModel();
  showSliders();
}

start();
