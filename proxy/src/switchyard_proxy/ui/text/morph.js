// One piece of the document made like another with as few changes as can be, so that what the reader has
// selected, focused or scrolled in it stays. Knows nothing of Markdown.

const TEXT = 3;

/**
 * @param {Node} parent
 * @param {Node[]} old children of `parent`, in a row
 * @param {Node[]} wanted
 * @param {Node | null} before what stands behind the row
 * @returns {Node[]} the nodes that stand there now
 */
export function morphRow(parent, old, wanted, before) {
  const now = wanted.map((node, index) => {
    const stands = old[index];
    if (stands === undefined) {
      parent.insertBefore(node, before);
      return node;
    }
    return morph(stands, node, parent);
  });
  for (const node of old.slice(wanted.length)) parent.removeChild(node);
  return now;
}

function morph(stands, wanted, parent) {
  if (stands === wanted) return stands;
  if (stands.nodeType === TEXT && wanted.nodeType === TEXT) {
    write(stands, wanted.data);
    return stands;
  }
  if (!isAlike(stands, wanted)) {
    parent.replaceChild(wanted, stands);
    return wanted;
  }
  if (!isOpaque(stands)) morphRow(stands, [...stands.childNodes], [...wanted.childNodes], null);
  return stands;
}

function write(text, data) {
  if (data === text.data) return;
  if (data.startsWith(text.data)) text.appendData(data.slice(text.data.length));
  else text.data = data;
}

// What is inside was drawn from its attributes, and is the same when they are.
const isOpaque = (element) => element.hasAttribute("data-tex");

function isAlike(one, other) {
  if (one.nodeType === TEXT || other.nodeType === TEXT || one.nodeName !== other.nodeName) return false;
  const names = one.getAttributeNames();
  return names.length === other.getAttributeNames().length
    && names.every((name) => one.getAttribute(name) === other.getAttribute(name));
}
