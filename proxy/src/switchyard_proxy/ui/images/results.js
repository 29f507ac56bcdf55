// The pictures of one order, where its previews were.

import { html, useEffect, useState } from "../html.js";
import { t } from "../i18n/index.js";
import { format } from "../routes.js";
import { dragged } from "./carrying.js";
import { changes, ofBatch } from "./pictures.js";
import { useUrl } from "./urls.js";

/** @param {{batch: string, box: {width: number, height: number}, count: number}} props */
export function Results({ batch, box, count }) {
  const [pictures, setPictures] = useState([]);
  useEffect(() => {
    let isHere = true;
    ofBatch(batch).then((found) => isHere && setPictures(found));
    return () => { isHere = false; };
  }, [batch, count, changes.value]);
  return html`<div class="images-previews">
    ${pictures.map((one) => html`<${Result} key=${one.id} picture=${one} box=${box} />`)}
    ${pictures.length === 0 && html`<div class="images-preview" style=${style(box)}></div>`}
  </div>`;
}

const style = (box) => ({ width: `${box.width}px`, aspectRatio: `${box.width} / ${box.height}` });

function Result({ picture, box }) {
  const url = useUrl(picture.blob, picture.id);
  return html`<a class="images-preview images-checks" href=${format({ view: "images", path: [picture.id] })}
    style=${style(box)}
      onDragStart=${(event) => dragged(event, picture)}>
    ${url && html`
      <img src=${url} alt=${t("images.picture", { prompt: picture.params.prompt })} decoding="async" />`}
  </a>`;
}
