"use strict";

// Everything works without this file. It adds buttons that copy, and keeps the dashboard's figures up to date.

// ---- Copying

function addCopyButtons() {
  if (!navigator.clipboard) return; // only over HTTPS, or from this machine
  for (const block of document.querySelectorAll("pre")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "quiet copy";
    button.textContent = "Copy";
    button.setAttribute("aria-live", "polite");
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(block.textContent.trim());
        button.textContent = "Copied";
      } catch {
        button.textContent = "Not copied: the browser does not allow it";
      }
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
    block.after(button);
  }
}

// ---- Figures

// Makes a part of the page equal to another tree, and touches only what differs: what has the focus or is selected stays so.
function update(node, wanted) {
  updateAttributes(node, wanted);
  const wantedChildren = [...wanted.childNodes];
  for (const [index, child] of wantedChildren.entries()) {
    const known = node.childNodes[index];
    if (!known) node.append(document.importNode(child, true));
    else if (known.nodeType !== child.nodeType || known.nodeName !== child.nodeName) known.replaceWith(document.importNode(child, true));
    else if (child.nodeType === Node.ELEMENT_NODE) update(known, child);
    else if (known.nodeValue !== child.nodeValue) known.nodeValue = child.nodeValue;
  }
  while (node.childNodes.length > wantedChildren.length) node.lastChild.remove();
}

function updateAttributes(node, wanted) {
  for (const { name, value } of wanted.attributes) {
    if (node.getAttribute(name) !== value) node.setAttribute(name, value);
  }
  for (const { name } of [...node.attributes]) {
    if (!wanted.hasAttribute(name)) node.removeAttribute(name);
  }
}

function begin(live) {
  const bar = document.createElement("div");
  bar.className = "live";
  const button = document.createElement("button");
  button.type = "button";
  button.className = "quiet";
  const words = document.createElement("p");
  words.className = "note";
  words.setAttribute("role", "status");
  bar.append(button, words);
  live.before(bar);
  const rows = live.querySelector("#rows");
  let source = null;

  function say(state, label, text) {
    live.dataset.state = state;
    button.textContent = label;
    words.textContent = text;
  }

  function stop(text) {
    if (source) source.close();
    source = null;
    say("paused", "Update", text);
  }

  function start() {
    say("connecting", "Pause", "Connecting");
    source = new EventSource(live.dataset.events);
    source.addEventListener("rows", (event) => {
      update(rows, new DOMParser().parseFromString(event.data, "text/html").body.firstElementChild);
      if (live.dataset.state !== "live") say("live", "Pause", "Updated every second");
    });
    source.addEventListener("end", () => stop("The session has ended: load the page again to log in"));
    source.addEventListener("error", () => {
      if (!source) return;
      if (source.readyState === EventSource.CLOSED) stop("Not updated: the session has ended, or too many people are watching");
      else say("connecting", "Pause", "The mirror does not answer; trying again");
    });
  }

  button.addEventListener("click", () => { if (source) stop("Paused"); else start(); });
  // Nobody looks at a page in the background.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden && source) {
      stop("Paused");
      live.dataset.resumes = "true";
    } else if (!document.hidden && live.dataset.resumes) {
      delete live.dataset.resumes;
      start();
    }
  });
  addEventListener("pagehide", () => { if (source) stop("Paused"); });
  start();
}

addCopyButtons();
const live = document.getElementById("live");
if (live) begin(live);
