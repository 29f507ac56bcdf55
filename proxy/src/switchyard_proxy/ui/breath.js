// A pause after which the page has drawn and heard what waited. A timer would sleep in a hidden tab.

export function breath() {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port1.onmessage = () => { port1.close(); resolve(); };
    port2.postMessage(null);
  });
}
