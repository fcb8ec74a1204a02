// What the component uses of WeWeb: variables that belong to it.
import { shallowRef } from 'vue';

export function createWwLib() {
  const variables = {};
  const useComponentVariable = ({ name, defaultValue }) => {
    const value = (variables[name] ??= shallowRef(defaultValue));
    return { value, setValue: (next) => (value.value = next) };
  };
  return { variables, wwVariable: { useComponentVariable } };
}
