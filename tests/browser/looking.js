/* What a page must be for everybody; each function gives what is not. */

const shown = (selector) => [...document.querySelectorAll(selector)].filter((node) => node.checkVisibility({ visibilityProperty: true }));
const nameOf = (node) => node.id || node.ariaLabel || node.textContent.slice(0, 40);

function channels(colour) {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d");
  canvas.fillStyle = colour;
  canvas.fillRect(0, 0, 1, 1);
  return [...canvas.getImageData(0, 0, 1, 1).data];
}

/** The relative luminance of WCAG 2. */
function light(colour) {
  const [r, g, b] = channels(colour).map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function ground(node) {
  for (; node; node = node.parentElement) {
    const colour = getComputedStyle(node).backgroundColor;
    if (channels(colour)[3]) return colour;
  }
  return "Canvas";
}

/** Texts with a contrast below 4.5 to 1. */
function pale() {
  const texts = shown("body *").filter((node) => [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim()));
  return texts.filter((node) => !node.closest(".unseen, noscript, :disabled")).map((node) => {
    const style = getComputedStyle(node);
    const [a, b] = [light(node instanceof SVGElement ? style.fill : style.color), light(ground(node))].sort((x, y) => y - x);
    return [(a + 0.05) / (b + 0.05), nameOf(node)];
  }).filter(([ratio]) => ratio < 4.5);
}

/** What is cut off at the sides of the window. */
function outside() {
  const cut = shown("button, input, select, svg, #verdict, #readout b").filter((node) => {
    const box = node.getBoundingClientRect();
    return box.left < -1 || box.right > innerWidth + 1;
  });
  return [...(document.documentElement.scrollWidth > innerWidth ? ["the page itself"] : []), ...cut.map(nameOf)];
}

/** Controls that a finger misses: below the 24 pixels of WCAG 2.2. */
function small() {
  return shown("button, input, select").filter((node) => {
    const box = node.getBoundingClientRect();
    return box.height < 24 || box.width < 24;
  }).map(nameOf);
}

/** Controls that do not show that they have the focus. */
function unmarked() {
  return shown("button:enabled, input, select, [tabindex='0']").filter((node) => {
    node.focus({ focusVisible: true });
    const style = getComputedStyle(node.matches(".handle") ? node.querySelector(".reach") : node);
    return style.outlineStyle === "none" && style.stroke === "none";
  }).map(nameOf);
}
