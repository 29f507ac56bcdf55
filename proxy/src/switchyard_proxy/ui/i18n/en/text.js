// Words on the blocks of a reply.

export default {
  copy: "copy",
  copied: "✓ copied",
  not_copied: "✕ not copied",
  wrap: "wrap",
};
