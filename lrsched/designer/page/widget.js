// Shows the page in a sandboxed frame of a notebook; what it asks goes to Python as messages of the widget.

let views = 0;

function render({ model, el }) {
  const view = `${Date.now()}-${views++}`; // one widget may be shown twice, and each frame counts its questions itself
  const frame = document.createElement("iframe");
  frame.setAttribute("sandbox", "allow-scripts allow-downloads");
  frame.title = "lrsched design";
  frame.style.cssText = `width: 100%; height: ${model.get("height")}px; border: 1px solid #8886; border-radius: 6px`;
  frame.srcdoc = model.get("page");
  const ask = (event) => {
    if (event.source === frame.contentWindow && event.data?.lrsched !== undefined) {
      model.send({ ...event.data, view });
    }
  };
  const tell = (told) => {
    if (told?.view === view) {
      frame.contentWindow?.postMessage(told, "*");
    }
  };
  window.addEventListener("message", ask);
  model.on("msg:custom", tell);
  el.append(frame);
  return () => {
    window.removeEventListener("message", ask);
    model.off("msg:custom", tell);
  };
}

export default { render };
