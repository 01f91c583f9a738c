// What a learner does in a unit, whoever made it: looks, answers, and goes on. An expression: a
// function of a wish, called in the unit's own frame.
(wish) => {
  // A unit that has ended leads back to the portal.
  if (document.querySelector("header a[href='/progress']")) return "";

  // The documents that are shown, those of frames within frames too.
  const documents = (inner) => {
    const within = [...inner.querySelectorAll("iframe, frame")].flatMap((frame) => {
      try {
        return frame.contentDocument?.body ? documents(frame.contentDocument) : [];
      } catch {
        return [];
      }
    });
    const shadows = [...inner.querySelectorAll("*")].flatMap((it) => it.shadowRoot ?? []);
    return [inner, ...shadows.flatMap(documents), ...within];
  };
  const all = documents(document);
  const find = (css) => all.flatMap((it) => [...it.querySelectorAll(css)]);

  const isThere = (element) => {
    const { width, height } = element.getBoundingClientRect();
    return width > 0 && height > 0 &&
      element.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  };
  const isShown = (element) => {
    const view = element.ownerDocument.defaultView;
    const { top, left, bottom, right } = element.getBoundingClientRect();
    return bottom > 0 && right > 0 && top < view.innerHeight && left < view.innerWidth &&
      isThere(element);
  };

  // What is in sight, or on the page at all, as words.
  const look = (counts) => {
    const words = [];
    const say = (kind, text) => {
      for (const word of `${text}`.split(/\s+/).filter(Boolean)) words.push(`${kind}${word}`);
    };
    for (const element of find("*")) {
      if (!counts(element)) continue;
      for (const node of element.childNodes) if (node.nodeType === 3) say("", node.data);
      const { localName } = element;
      if (localName === "img") say("picture:", element.currentSrc.split("/").at(-1));
      if (localName === "image") say("picture:", element.href.baseVal.split("/").at(-1));
      if (localName === "select") say("chosen:", element.value);
      const isChosen = ["checked", "pressed", "selected"].some((name) =>
        element.getAttribute(`aria-${name}`) === "true");
      if (element.checked || isChosen) say("chosen:", `${element.value ?? ""}${element.innerText}`);
      if (element.duration > 0) say("time:", Math.round(element.currentTime / 2));
    }
    return words;
  };

  const label = (element) => {
    const said = [element.innerText, element.value, element.getAttribute("aria-label"),
      element.title, element.alt, element.textContent];
    return (said.find((it) => typeof it === "string" && it.trim()) ?? "").trim().slice(0, 60);
  };

  const isOpen = (element) => isThere(element) && !element.disabled &&
    element.getAttribute("aria-disabled") !== "true" && !/\bdisabled\b/.test(element.className);
  const isAble = (element) => isShown(element) && isOpen(element);

  const press = (element) => {
    const view = element.ownerDocument.defaultView;
    if (!isShown(element)) element.scrollIntoView({ block: "center" });
    element.learnerPressed = (element.learnerPressed ?? 0) + 1;
    const options = { bubbles: true, cancelable: true, composed: true, view };
    for (const [Kind, name] of [["PointerEvent", "pointerdown"], ["MouseEvent", "mousedown"],
      ["PointerEvent", "pointerup"], ["MouseEvent", "mouseup"]]) {
      element.dispatchEvent(new view[Kind](name, options));
    }
    if (element.click) element.click();
    else element.dispatchEvent(new view.MouseEvent("click", options));
    return `${element.localName} ${label(element)}`;
  };

  // Films and sound run, fast and without a noise.
  const play = () => {
    const players = find("video, audio").filter((it) => it.currentSrc && !it.ended && !it.error &&
      !it.loop);
    for (const player of players) {
      player.muted = true;
      player.playbackRate = wish.what === "turn" ? 1 : 8;
      if (player.paused) player.play().catch(() => {});
    }
    return players.length > 0;
  };

  // What is asked and not yet answered is answered, somehow.
  const answer = () => {
    for (const field of find("input[type=text], input[type=number], input:not([type]), textarea")) {
      if (field.value || !isAble(field)) continue;
      field.value = "42";
      for (const name of ["input", "change", "blur"]) {
        field.dispatchEvent(new field.ownerDocument.defaultView.Event(name, { bubbles: true }));
      }
    }
    for (const list of find("select")) {
      if (list.selectedIndex > 0 || list.options.length < 2 || !isAble(list)) continue;
      list.selectedIndex = 1;
      list.dispatchEvent(new list.ownerDocument.defaultView.Event("change", { bubbles: true }));
    }
    const choices = find("input[type=radio], input[type=checkbox], [role=radio], [role=checkbox]");
    const isChosen = (it) => it.checked || it.getAttribute("aria-checked") === "true";
    const group = (it) => it.name || it.closest("[role=radiogroup], [role=group], fieldset, ul");
    const answered = new Set(choices.filter(isChosen).map(group));
    for (const choice of choices) {
      const isHidden = choice.disabled || !isAble(choice.closest("label") ?? choice.parentElement);
      if (answered.has(group(choice)) || isHidden) continue;
      answered.add(group(choice));
      press(choice);
    }
  };

  const WAYS = [
    /^(ok|okay|got it|dismiss|i understand|accept|hide|close)$/i,
    /^(start|begin|launch|enter|let.?s |get started|open|view|comenzar|empezar|iniciar|commencer)/i,
    /^(submit|check|confirm|send|retry|enviar|comprobar|valider|absenden)/i,
    /^(next|continue|forward|siguiente|suivant|weiter|avanti|proceed|[›»>→]|.*\bnext( |$))/i,
  ];
  const END = /^(finish|done|complete|mark|exit|quit|terminar|salir|end)/i;
  const LINKS = "button, a, input[type=button], input[type=submit], [role=button], [onclick]";

  const pick = (selectors) => {
    const pressed = (it) => it.learnerPressed ?? 0;
    const own = (selectors ?? []).flatMap(find).filter((it) => isOpen(it) && pressed(it) < 40);
    own.sort((one, other) => pressed(one) - pressed(other));
    return own.length > 0 ? press(own[0]) : "";
  };

  const go = (ways) => {
    const candidates = find(LINKS).filter(isAble).flatMap((element) => {
      const way = ways.findIndex((it) => it.test(label(element)));
      const times = element.learnerPressed ?? 0;
      const isOn = ways === WAYS && way === 3;
      // Who leaves in the middle has not yet handed in.
      if (way < 0 || (wish.what === "turn" && way === 2) || times > (isOn ? 40 : 3)) return [];
      return [{ element, rank: way + times * (isOn ? 0.1 : 10) }];
    });
    candidates.sort((one, other) => one.rank - other.rank);
    return candidates.length > 0 ? press(candidates[0].element) : "";
  };

  const RESUME = /^(yes|resume|continue|ok|restore|pick up|sí|oui|ja)\b/i;
  const resume = () => {
    const own = (wish.resume ?? []).flatMap(find).find(isAble);
    if (own) return press(own);
    const found = find(LINKS).find((it) => isAble(it) && RESUME.test(label(it)) &&
      !it.learnerPressed);
    return found ? press(found) : "";
  };

  // Scrolls on whatever can be scrolled.
  const scroll = () => {
    const isLow = (it) => it.scrollTop + it.clientHeight >= it.scrollHeight - 4;
    const scrolls = (it) => it.clientHeight > 50 && isShown(it) && !isLow(it) &&
      (it === it.ownerDocument.scrollingElement ||
        /auto|scroll/.test(it.ownerDocument.defaultView.getComputedStyle(it).overflowY));
    const found = find("*").filter(scrolls);
    for (const it of found) it.scrollBy({ top: it.clientHeight * 0.8, behavior: "instant" });
    return found.length > 0 ? "scrolls" : "";
  };

  if (wish.what === "look") return [look(isShown), look(isThere)];
  if (wish.what === "resume") return resume();
  if (wish.what === "pause") return find("video, audio").forEach((it) => it.pause());
  const playing = play() ? "plays" : "";
  answer();
  return pick(wish.click) || go(WAYS) || scroll() || playing || pick(wish.then) ||
    (wish.what === "finish" ? go([END]) : "");
}
