// Takes over what is new on a page and leaves alone what is the same: a selection, the focus, a scrolled box, something
// opened, and the place where a screen reader reads belong to elements, which are kept.
"use strict";

(() => {
  // What scripts and people set; the server does not know of it.
  const OWN = ["aria-disabled", "disabled", "open", "data-waits"];

  // What is selected is not changed under the hand that selects it; it is made current once nothing is.
  function isHeld(node) {
    const selection = getSelection();
    if (!selection.rangeCount || selection.isCollapsed) return false;
    return selection.getRangeAt(0).intersectsNode(node);
  }

  function keyOf(node) {
    if (node.nodeType !== Node.ELEMENT_NODE) return null;
    if (node.id) return `#${node.id}`;
    if (!node.matches("tr, li, article")) return null;
    const link = node.querySelector("a[href]");
    return link ? link.getAttribute("href") : null;
  }

  function isLike(one, other) {
    return one && one.nodeType === other.nodeType && one.nodeName === other.nodeName && !keyOf(one) && !keyOf(other);
  }

  function morphAttributes(here, fresh) {
    for (const { name, value } of fresh.attributes) {
      if (!OWN.includes(name) && here.getAttribute(name) !== value) here.setAttribute(name, value);
    }
    for (const { name } of [...here.attributes]) {
      if (!OWN.includes(name) && !fresh.hasAttribute(name)) here.removeAttribute(name);
    }
  }

  function morphNode(here, fresh) {
    if (here.nodeType !== Node.ELEMENT_NODE) {
      if (here.data !== fresh.data && !isHeld(here)) here.data = fresh.data;
      return;
    }
    if (here.isEqualNode(fresh)) return;
    morphAttributes(here, fresh);
    // It counts down by itself; and what somebody types is theirs.
    if (here.matches("time[data-time=left], textarea")) return;
    morphChildren(here, fresh);
  }

  function firstWithKeys(here) {
    const keyed = new Map();
    for (const child of here.children) {
      const key = keyOf(child);
      if (key && !keyed.has(key)) keyed.set(key, child);
    }
    return keyed;
  }

  // What is gone between here and the element that stays is removed, so that the one that stays need not be moved.
  function skipTo(wanted, next, stays) {
    while (next && next !== wanted && !stays.has(keyOf(next)) && !isHeld(next)) {
      const after = next.nextSibling;
      next.remove();
      next = after;
    }
    return next;
  }

  function morphChildren(here, fresh) {
    const keyed = firstWithKeys(here);
    const stays = new Set([...fresh.children].map(keyOf).filter((key) => key && keyed.has(key)));
    let next = here.firstChild;
    for (const wanted of fresh.childNodes) {
      const key = keyOf(wanted);
      const same = key ? keyed.get(key) : isLike(next, wanted) ? next : null;
      if (key && same) {
        keyed.delete(key);
        stays.delete(key);
        next = skipTo(same, next, stays);
      }
      if (!same) {
        here.insertBefore(document.importNode(wanted, true), next);
      } else {
        if (same === next) next = next.nextSibling;
        else here.insertBefore(same, next);
        morphNode(same, wanted);
      }
    }
    while (next) {
      const after = next.nextSibling;
      if (!isHeld(next)) next.remove();
      next = after;
    }
  }

  window.ledgerMorph = { isHeld, morph: morphNode };
})();
