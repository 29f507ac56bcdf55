// Which tab listens to an answer and writes it down. Two tabs may show the same one; only one may complete
// it.

export const LEASE_MS = 5_000; // renewed each second; a tab that was killed is waited for no longer than this

/** @param {string} tab @param {number} now milliseconds */
export const lease = (tab, now) => ({ tab, until: now + LEASE_MS });

/**
 * How long this tab must wait before it may take the answer over; 0: it may now.
 * @param {{lease?: {tab: string, until: number} | null}} record
 * @param {string} tab
 * @param {number} now milliseconds
 */
export function leasedFor(record, tab, now) {
  const held = record.lease;
  if (!held || held.tab === tab) return 0;
  // A clock that was set back must not lock it for hours.
  return Math.min(LEASE_MS, Math.max(0, held.until - now));
}

const PLACE = "switchyard.chat.tab";

/**
 * The name of this tab. A reload keeps it; a tab that is copied while it is open gets another one, as the
 * name lies in the tab's store only while no page is there to bear it.
 * @param {() => string} newName
 */
export function tabName(newName) {
  let name = null;
  try {
    name = sessionStorage.getItem(PLACE);
    sessionStorage.removeItem(PLACE);
  } catch {
    // Then a reload waits for the old lease to run out.
  }
  return name ?? newName();
}

/** @param {string} name */
export function leaveTabName(name) {
  try {
    sessionStorage.setItem(PLACE, name);
  } catch {
    // As above.
  }
}
