/** Puts the page into the document. */
import { render } from "preact";
import { App } from "./app.tsx";
import { startPage } from "./page_state.ts";

const root = document.getElementById("app");
if (root === null) throw new Error("Cannot show the page: the document has no element 'app'");
startPage();
root.replaceChildren();
render(<App />, root);
