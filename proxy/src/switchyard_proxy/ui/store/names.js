// Which model a name leads to: its own, an alias, or `model:variant`. Values only.

/**
 * The model that answers to a name, with the variant that the name picks; null if there is none.
 * @param {ReadonlyArray<object>} models
 * @param {string} name
 * @returns {{model: object, variant: string|null}|null}
 */
export function find(models, name) {
  const model = models.find((one) => one.name === name) ?? models.find((one) => answersTo(one, name));
  if (model) return { model, variant: null };
  for (const one of models) {
    const variant = Object.keys(one.serving?.variants ?? {}).find((key) => isVariant(one, key, name));
    if (variant) return { model: one, variant };
  }
  return null;
}

/**
 * Every name that leads to something, each with what it leads to: for completion and for pickers.
 * @param {ReadonlyArray<object>} models
 * @returns {Array<{name: string, model: object, variant: string|null}>}
 */
export function allNames(models) {
  return models.flatMap((model) => [
    { name: model.name, model, variant: null },
    ...(model.aliases ?? []).map((name) => ({ name, model, variant: null })),
    ...Object.entries(model.serving?.variants ?? {}).flatMap(([variant, { aliases = [] }]) =>
      [`${model.name}:${variant}`, ...aliases].map((name) => ({ name, model, variant })),
    ),
  ]);
}

function answersTo(model, name) {
  return (model.aliases ?? []).includes(name);
}

function isVariant(model, variant, name) {
  const bases = [model.name, ...(model.aliases ?? [])];
  const { aliases = [] } = model.serving.variants[variant];
  return aliases.includes(name) || bases.some((base) => `${base}:${variant}` === name);
}
