// Paints the pictures of the README's gallery: flat scenes, of shapes and chance, in a browser.

const SIZE = 512;

/** Chance that is the same each time. */
function dice(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const mixed = (from, to, share) => {
  const parts = [1, 3, 5].map((at) => [from, to].map((hue) => parseInt(hue.slice(at, at + 2), 16)));
  return `rgb(${parts.map(([a, b]) => Math.round(a + (b - a) * share)).join(" ")})`;
};

function sky(pen, from, to, until = SIZE) {
  const bands = 24;
  for (let band = 0; band < bands; band += 1) {
    pen.fillStyle = mixed(from, to, band / (bands - 1));
    pen.fillRect(0, (until * band) / bands, SIZE, until / bands + 1);
  }
}

function disc(pen, x, y, radius, colour) {
  pen.fillStyle = colour;
  pen.beginPath();
  pen.arc(x, y, radius, 0, 2 * Math.PI);
  pen.fill();
}

function shape(pen, colour, points) {
  pen.fillStyle = colour;
  pen.beginPath();
  for (const [x, y] of points) pen.lineTo(x, y);
  pen.fill();
}

function box(pen, colour, x, y, wide, high) {
  pen.fillStyle = colour;
  pen.fillRect(x, y, wide, high);
}

/** A line of hills: a few waves that do not fit each other, and some roughness. */
function ridge(pen, next, colour, height, swing, rough = 3) {
  const waves = [1, 2.3, 5.1].map((times) => [times, next() * 7, swing / times]);
  const points = [[0, SIZE]];
  for (let x = 0; x <= SIZE; x += 4) {
    const lifts = waves.map(([times, turn, most]) => most * Math.sin(turn + (times * x) / 90));
    const lift = lifts.reduce((sum, one) => sum + one, 0);
    points.push([x, height - lift - next() * rough]);
  }
  shape(pen, colour, [...points, [SIZE, SIZE]]);
}

function stars(pen, next, many, until) {
  for (let one = 0; one < many; one += 1) {
    disc(pen, next() * SIZE, next() * until, 0.6 + next() * 1.2, "#f4efd8");
  }
}

function sea(pen, next, top, [near, far, light]) {
  pen.fillStyle = far;
  pen.fillRect(0, top, SIZE, SIZE);
  for (let y = top; y < SIZE; y += 7 + (y - top) / 14) {
    pen.fillStyle = mixed(far, near, (y - top) / (SIZE - top));
    pen.fillRect(0, y, SIZE, SIZE);
  }
  for (let one = 0; one < 60; one += 1) {
    const depth = next() ** 1.5;
    const wide = 10 + 60 * depth * next();
    pen.fillStyle = light;
    const middle = SIZE * 0.68 + (next() - 0.5) * 260 * (0.3 + depth);
    pen.fillRect(middle - wide / 2, top + 6 + depth * 150, wide, 2);
  }
}

const PAINTERS = {
  lighthouse(pen, next, { high, low, sun, sea: water, rock, wall, band }) {
    const top = 330;
    sky(pen, high, low, top);
    disc(pen, SIZE * 0.68, top - 60 - next() * 60, 44, sun);
    ridge(pen, next, mixed(low, rock, 0.25), top - 10, 16);
    sea(pen, next, top, water);
    const foot = 120 + next() * 60;
    shape(pen, rock, [[0, 512], [0, 370], [40, 352], [foot - 50, 340], [foot + 56, 344], [foot + 92, 398],
      [foot + 150, 430], [foot + 175, 512]]);
    const at = (y, half) => [[foot - half, y], [foot + half, y]];
    const rows = 5;
    for (let row = 0; row < rows; row += 1) {
      const [y, under] = [150 + (row * 195) / rows, 150 + ((row + 1) * 195) / rows];
      const [a, b] = at(y, 15 + row * 2.6);
      const [c, d] = at(under, 15 + (row + 1) * 2.6);
      shape(pen, row % 2 ? wall : band, [a, b, d, c]);
    }
    shape(pen, "#ffe9a8", [[foot - 11, 122], [foot + 11, 122], [foot + 11, 146], [foot - 11, 146]]);
    shape(pen, rock, [[foot - 22, 146], [foot + 22, 146], [foot + 22, 152], [foot - 22, 152]]);
    shape(pen, band, [[foot - 16, 122], [foot, 100], [foot + 16, 122]]);
    pen.globalAlpha = 0.22;
    shape(pen, "#ffe9a8", [[foot + 11, 130], [512, 60], [512, 150], [foot + 11, 140]]);
    pen.globalAlpha = 1;
  },

  rails(pen, next, { high, low, sun, hills, ground, steel, lamp }) {
    const top = 290;
    sky(pen, high, low, top);
    stars(pen, next, 50, 170);
    const middle = 200 + next() * 110;
    disc(pen, middle, top - 34, 52, sun);
    ridge(pen, next, mixed(low, hills, 0.55), top - 20, 34);
    ridge(pen, next, hills, top + 4, 18);
    shape(pen, ground, [[0, top], [SIZE, top], [SIZE, SIZE], [0, SIZE]]);
    for (let y = top + 6; y < SIZE; y += 3 + (y - top) / 9) {
      const half = 6 + (y - top) * 0.5;
      shape(pen, mixed(ground, hills, 0.7), [[middle - half, y], [middle + half, y],
        [middle + half, y + 1.5 + (y - top) / 26], [middle - half, y + 1.5 + (y - top) / 26]]);
    }
    for (const side of [-1, 1]) {
      shape(pen, steel, [[middle + side, top], [middle + side * 1.6, top], [middle + side * 86, SIZE],
        [middle + side * 76, SIZE]]);
      // The track that parts from it.
      shape(pen, steel, [[middle + 4 + side, top + 22], [middle + 4.6 + side, top + 22],
        [middle + 190 + side * 66, SIZE], [middle + 182 + side * 66, SIZE]]);
    }
    for (const [x, height] of [[middle - 120, 150], [middle + 150, 120]]) {
      box(pen, hills, x - 3, top + 60 - height, 6, height + 6);
      box(pen, hills, x - 13, top + 40 - height, 26, 52);
      disc(pen, x, top + 54 - height, 8, x < middle ? lamp : "#3a2320");
      disc(pen, x, top + 78 - height, 8, x < middle ? "#16301f" : "#ff6a55");
    }
  },

  ridges(pen, next, { high, low, sun, near, far }) {
    sky(pen, high, low, 380);
    disc(pen, 130 + next() * 250, 130 + next() * 50, 46, sun);
    const layers = 6;
    for (let layer = 0; layer < layers; layer += 1) {
      const share = layer / (layers - 1);
      ridge(pen, next, mixed(far, near, share), 235 + layer * 46, 44 - layer * 3, 3 + layer);
    }
    for (let x = 0; x < SIZE; x += 9) {
      const height = 20 + next() * 46;
      shape(pen, near, [[x - 9, SIZE], [x, SIZE - 20 - height], [x + 9, SIZE]]);
    }
  },

  harbour(pen, next, { high, low, walls, window, water, rain }) {
    const quay = 310;
    sky(pen, high, low, quay);
    ridge(pen, next, mixed(low, water, 0.4), quay - 80, 20);
    const houses = [];
    for (let x = -10; x < SIZE; x += houses.at(-1).wide) {
      const hue = walls[houses.length % walls.length];
      houses.push({ x, wide: 46 + next() * 34, height: 90 + next() * 90, hue });
    }
    const draw = (way, share) => houses.forEach(({ x, wide, height, hue }) => {
      const up = (y) => quay + way * y * share;
      shape(pen, mixed(hue, water, way > 0 ? 0.55 : 0), [[x, quay], [x, up(height)],
        [x + wide / 2, up(height + 26)], [x + wide, up(height)], [x + wide, quay]]);
      for (let y = 18; y < height - 14; y += 30) {
        for (let at = 11; at < wide - 12; at += 19) {
          if ((x * 7 + y * 3 + at * 5) % 4 < 1.9) continue;
          const colour = mixed(window, water, way > 0 ? 0.45 : 0);
          box(pen, colour, x + at, Math.min(up(y), up(y + 14)), 8, 14 * share);
        }
      }
    });
    pen.fillStyle = water;
    pen.fillRect(0, quay, SIZE, SIZE);
    draw(1, 0.85);
    draw(-1, 1);
    for (let y = quay + 6; y < SIZE; y += 9) {
      pen.fillStyle = water;
      for (let x = -20; x < SIZE; x += 60 + next() * 60) pen.fillRect(x, y, 20 + next() * 50, 3);
    }
    pen.fillStyle = mixed(water, high, 0.5);
    pen.fillRect(0, quay - 2, SIZE, 5);
    const boat = 120 + next() * 220;
    shape(pen, "#20262c", [[boat - 70, 400], [boat + 76, 400], [boat + 50, 432], [boat - 52, 432]]);
    shape(pen, walls[0], [[boat - 34, 400], [boat - 34, 372], [boat + 8, 372], [boat + 8, 400]]);
    shape(pen, "#20262c", [[boat + 26, 400], [boat + 26, 318], [boat + 30, 318], [boat + 30, 400]]);
    pen.globalAlpha = 0.4;
    for (let one = 0; one < 130; one += 1) {
      const [x, y, long] = [next() * 560, next() * 500, 14 + next() * 16];
      shape(pen, rain, [[x, y], [x + 1.4, y], [x + 1.4 - long / 4, y + long], [x - long / 4, y + long]]);
    }
    pen.globalAlpha = 1;
  },
};

/** @returns {string} a PNG, as base64 */
function paint({ motif, colours, seed }) {
  const canvas = Object.assign(document.createElement("canvas"), { width: SIZE, height: SIZE });
  PAINTERS[motif](canvas.getContext("2d"), dice(seed), colours);
  return canvas.toDataURL("image/png").split(",")[1];
}
