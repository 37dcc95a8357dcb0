// A dialog over everything, there as long as its component is.

import { useLayoutEffect, useRef } from "./vendor/htm-preact.js";

/** The ref of a `<dialog>`. When it is gone the focus is back where it was, which only `close()` sees to. */
export function useDialog() {
  const dialog = useRef(null);
  useLayoutEffect(() => {
    const shown = dialog.current;
    shown.showModal();
    return () => shown.close();
  }, []);
  return dialog;
}
