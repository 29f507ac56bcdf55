// The ways in for files: the system's picker, the clipboard, and dropping. All of them give a list of File in
// order.

const ACCEPT = {
  image: "image/*,.heic,.heif,.avif,.tif,.tiff",
  video: "video/*,.mkv",
  text: "text/*,.md,.json,.csv,.log,.py,.js,.ts,.yaml,.yml,.toml,.sh",
};

const DRAGS = ["dragover", "dragleave", "drop"];
// Some browsers do not tell when a drag leaves the window; while it is in, it is heard over and over.
const LEFT_MS = 700;

/**
 * Opens the system's picker; an empty list when it was left without a choice. Must be called within a user's
 * act.
 * @param {{kinds?: ("image" | "video" | "text")[], multiple?: boolean}} [options]
 * @returns {Promise<File[]>}
 */
export function pickFiles({ kinds = ["image", "video"], multiple = true } = {}) {
  const input = document.createElement("input");
  input.type = "file";
  input.multiple = multiple;
  input.accept = kinds.map((kind) => ACCEPT[kind]).join(",");
  input.hidden = true;
  document.body.append(input); // Safari lets go of an input that stands nowhere
  return new Promise((resolve) => {
    const end = (files) => {
      input.remove();
      resolve(files);
    };
    input.addEventListener("change", () => end([...input.files]), { once: true });
    input.addEventListener("cancel", () => end([]), { once: true });
    input.click();
  });
}

/**
 * The files of a paste or a drop, in order; pictures that were copied without a name get one.
 * @param {DataTransfer | null} data
 * @returns {File[]}
 */
export function filesOf(data) {
  return [...(data?.files ?? [])].map((file, at) => (file.name ? file : named(file, at)));
}

function named(file, at) {
  const ending = file.type.split("/")[1] || "bin";
  return new File([file], `pasted-${at + 1}.${ending}`, { type: file.type });
}

/**
 * The files of a paste. A copied table brings its picture along, too: where there is formatted text, text is
 * meant.
 * @param {ClipboardEvent} event
 */
export function pastedFiles({ clipboardData: data }) {
  const isWriting = data?.types.includes("text/plain") && data.types.some((type) => /html|rtf/.test(type));
  return isWriting ? [] : filesOf(data);
}

/**
 * Lets files be dropped onto an element. `onOver(true)` when some hover above it.
 * @param {HTMLElement} element
 * @param {{onFiles: (files: File[], event: DragEvent) => void, onOver?: (over: boolean) => void}} options
 * @returns {() => void} ends it
 */
export function dropZone(element, { onFiles, onOver }) {
  let timer = 0;
  const hover = (isOver) => {
    clearTimeout(timer);
    if (isOver) timer = setTimeout(() => onOver?.(false), LEFT_MS);
    onOver?.(isOver);
  };
  const hear = (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    const isTaken = event.defaultPrevented; // by a zone within this one
    event.preventDefault(); // or the browser would leave the page for the file
    if (event.type === "dragover") {
      event.dataTransfer.dropEffect = "copy";
      hover(!isTaken);
    } else if (event.type === "drop" || !element.contains(event.relatedTarget)) hover(false);
    if (event.type === "drop" && !isTaken) onFiles(filesOf(event.dataTransfer), event);
  };
  for (const type of DRAGS) element.addEventListener(type, hear);
  return () => {
    clearTimeout(timer);
    for (const type of DRAGS) element.removeEventListener(type, hear);
  };
}
