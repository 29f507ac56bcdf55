// Moments as a log shows them: the time of today's, the date of older ones. Pure, but for the time zone.

const formats = new Map();

function format(lang, name, options) {
  const known = `${lang} ${name}`;
  if (!formats.has(known)) formats.set(known, new Intl.DateTimeFormat(lang, options));
  return formats.get(known);
}

const TIME = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
const WHOLE = { dateStyle: "long", timeStyle: "long", hourCycle: "h23" };
const DATE = { day: "2-digit", month: "short" };

/** @param {number} at @param {number} now both in seconds since 1970 @param {string} lang */
export function clock(at, now, lang) {
  const [then, today] = [new Date(at * 1000), new Date(now * 1000)];
  const time = format(lang, "time", TIME).format(then);
  if (then.toDateString() === today.toDateString()) return time;
  return `${format(lang, "date", DATE).format(then)} ${time}`;
}

/** Everything that there is to say of a moment. */
export const whole = (at, lang) =>
  format(lang, "whole", WHOLE).format(new Date(at * 1000));

/** As machines read it. */
export const iso = (at) => new Date(at * 1000).toISOString();
