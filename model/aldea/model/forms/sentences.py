"""What is wrong with something typed: a fault names the field, and its sentence says how to mend it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from aldea.model.forms.definition import in_language

SENTENCES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "required": {"es": "{label}: falta; escríbase.", "en": "{label}: it is missing; fill it in."},
        "choose": {"es": "{label}: falta; elíjase una opción.", "en": "{label}: it is missing; choose one."},
        "not_text": {
            "es": "{label}: debe ser texto o un número, no una lista ni un objeto.",
            "en": "{label}: it must be text or a number, not a list or an object.",
        },
        "not_rows": {
            "es": "{label}: debe ser una lista de renglones.",
            "en": "{label}: it must be a list of rows.",
        },
        "too_long": {
            "es": "{label}: tiene {length} caracteres; acórtese a {limit} como máximo.",
            "en": "{label}: it has {length} characters; shorten it to {limit} at most.",
        },
        "name_not_code": {
            "es": "{label}: «{given}» parece un nombre; use una clave, no un nombre.",
            "en": "{label}: “{given}” looks like a name; use a code, not a name.",
        },
        "code_letters": {
            "es": "{label}: «{given}» no es una clave; use de 1 a 20 letras sin acento, cifras o guiones, como K-017.",
            "en": "{label}: “{given}” is not a code; use 1 to 20 plain letters, digits or hyphens, such as K-017.",
        },
        "not_integer": {
            "es": "{label}: «{given}» no es un número entero; escríbase solo con cifras, como 12.",
            "en": "{label}: “{given}” is not a whole number; write digits only, such as 12.",
        },
        "not_decimal": {
            "es": "{label}: «{given}» no es un número; escríbase como 2.5, sin separar los miles.",
            "en": "{label}: “{given}” is not a number; write it as 2.5, without thousands separators.",
        },
        "too_small": {
            "es": "{label}: {given} es menos de lo posible; el mínimo es {limit}.",
            "en": "{label}: {given} is less than it can be; the least is {limit}.",
        },
        "too_big": {
            "es": "{label}: {given} es más de lo posible; el máximo es {limit}.",
            "en": "{label}: {given} is more than it can be; the most is {limit}.",
        },
        "not_date": {
            "es": "{label}: «{given}» no es una fecha; escríbase como 2025-11-03 o 03/11/2025 (día/mes/año).",
            "en": "{label}: “{given}” is not a date; write it as 2025-11-03 or 03/11/2025 (day/month/year).",
        },
        "not_local_time": {
            "es": "{label}: «{given}» no es fecha y hora; escríbase como 2025-11-03 18:20 o 03/11/2025 18:20.",
            "en": "{label}: “{given}” is not a date and time; write it as 2025-11-03 18:20 or 03/11/2025 18:20.",
        },
        "not_month": {
            "es": "{label}: «{given}» no es un mes; escríbase como 2025-11 o 11/2025 (mes/año).",
            "en": "{label}: “{given}” is not a month; write it as 2025-11 or 11/2025 (month/year).",
        },
        "in_future": {
            "es": "{label}: {given} aún no llega (hoy es {limit} en el sitio); corríjase la fecha.",
            "en": "{label}: {given} is still to come (today is {limit} at the site); correct the date.",
        },
        "too_early": {
            "es": "{label}: {given} es antes del inicio ({limit}) del sitio o de su programa; corríjase la fecha.",
            "en": "{label}: {given} is before the start ({limit}) of the site or its programme; correct the date.",
        },
        "too_late": {
            "es": "{label}: {given} es después del fin del programa ({limit}); corríjase la fecha o el programa.",
            "en": "{label}: {given} is after the programme's end ({limit}); correct the date or the programme.",
        },
        "not_choice": {
            "es": "{label}: «{given}» no es una opción; use una de: {choices}.",
            "en": "{label}: “{given}” is not one of the options; use one of: {choices}.",
        },
        "not_yes_no": {
            "es": "{label}: «{given}» no se entiende; use sí o no.",
            "en": "{label}: “{given}” is not understood; use yes or no.",
        },
        "too_many_rows": {
            "es": "{label}: hay {length} renglones; divídanse en registros de {limit} como máximo.",
            "en": "{label}: there are {length} rows; divide them into records of {limit} at most.",
        },
        "no_rows": {
            "es": "{label}: falta; llénese al menos un renglón.",
            "en": "{label}: it is missing; fill in at least one row.",
        },
        "repeated": {
            "es": "{label}: «{given}» ya está en el renglón {limit}; quítese uno de los dos o corríjase la clave.",
            "en": "{label}: “{given}” is in row {limit} already; remove one of the two or correct the code.",
        },
        "unknown": {
            "es": "{label}: el formulario no tiene este campo; use {choices}.",
            "en": "{label}: the form has no such field; use {choices}.",
        },
        "before_other": {
            "es": "{label}: {given} es antes de «{other}» ({limit}); corríjase una de las dos.",
            "en": "{label}: {given} is before “{other}” ({limit}); correct one of the two.",
        },
        "more_than_other": {
            "es": "{label}: {given} es más que «{other}» ({limit}); corríjase uno de los dos.",
            "en": "{label}: {given} is more than “{other}” ({limit}); correct one of the two.",
        },
        "none_of": {
            "es": "{label}: está vacío todo; llénese al menos uno de: {choices}. Si no hubo nada, use «No hubo nada».",
            "en": "{label}: all is empty; fill in one of: {choices}. If nothing happened, use “Nothing happened”.",
        },
        "empty_table": {
            "es": "La tabla está vacía; la primera línea lleva los nombres de las columnas, como en la plantilla.",
            "en": "The table is empty; its first line has the columns' names, as in the template.",
        },
        "bad_column": {
            "es": "Línea 1: la columna «{given}» no es de este formulario; use {choices}.",
            "en": "Line 1: column “{given}” is not of this form; use {choices}.",
        },
        "missing_column": {
            "es": "Línea 1: falta la columna «{given}»; agréguese como en la plantilla.",
            "en": "Line 1: column “{given}” is missing; add it as in the template.",
        },
        "too_many_cells": {
            "es": "{label}: hay {length} celdas y la tabla tiene {limit} columnas; quítense las que sobran.",
            "en": "{label}: there are {length} cells and the table has {limit} columns; remove those too many.",
        },
    }
)
"""Every sentence by its code. A language is added here beside the others."""

ROW_WORD: Mapping[str, str] = MappingProxyType({"es": "Renglón", "en": "Row"})
GIVEN_LIMIT = 60


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong at `path` (`participants.2.code`; rows count from 0): a code of SENTENCES and its words."""

    path: str
    code: str
    labels: Mapping[str, str]
    words: Mapping[str, str | Mapping[str, str]] = field(default_factory=dict)


def sentence(fault: Fault, language: str) -> str:
    """Return the fault as a sentence in `language` (`es` or `en`): the field, what is wrong, how to mend it."""
    words = {
        name: in_language(word, language) if isinstance(word, Mapping) else word for name, word in fault.words.items()
    }
    text = in_language(SENTENCES[fault.code], language)
    return text.format(label=_place(fault, language), **words)


def _place(fault: Fault, language: str) -> str:
    label = in_language(fault.labels, language) or fault.path
    parts = fault.path.split(".")
    if len(parts) == 3 and parts[1].isdecimal():
        return f"{in_language(ROW_WORD, language)} {int(parts[1]) + 1}, {label}"
    return label
