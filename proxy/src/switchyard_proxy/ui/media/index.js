// What other areas may use of media: ways in, keeping, showing, sending.

export { pickFiles, dropZone, filesOf, pastedFiles } from "./pick.js";
export { itemOf, takeIn } from "./intake.js";
export { refusedText } from "./refusals.js";
export { FileGone, fileStore, newId } from "./store.js";
export { shrink } from "./shrinking.js";
export { Chip, Grip } from "./chip.js";
export { FileStrip, removeWithUndo } from "./strip.js";
export { FileThumb, Thumb } from "./thumb.js";
export { openViewer } from "./viewer.js";
export { dataUrl, filesIn, outgoing, textOf } from "./outgoing.js";
export { labelsOf } from "./labels.js";
