// Everything that draws: the one door to the rendering library. Nothing else imports it from vendor/.

import htm from "./vendor/htm/htm.js";
import { h, render } from "./vendor/preact/preact.js";

export { Fragment, createContext } from "./vendor/preact/preact.js";
export {
  useCallback, useContext, useEffect, useErrorBoundary, useId, useLayoutEffect, useMemo, useReducer, useRef,
  useState,
} from "./vendor/preact/hooks.js";
export {
  batch, computed, effect, signal, untracked, useComputed, useSignal, useSignalEffect,
} from "./vendor/signals/signals.js";
export { h, render };

export const html = htm.bind(h);
