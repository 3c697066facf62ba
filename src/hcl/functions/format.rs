//! `format` and `formatlist`: `%` verbs with the behaviour of Terraform's functions.

use super::ParamType::{Any, Text};
use super::encoding::write_json;
use super::{Args, Function, FunctionError, declare_function, declare_nullable, declare_param};
use crate::hcl::value::convert::{convert_value, to_text};
use crate::hcl::value::{ConfigValue, Number, Type, ValueData, steps_for_text};

pub(super) const FUNCTIONS: &[Function] = &[
    declare_function("format", &[declare_param("format", Text)], |args| {
        let text = render_format(args.expect_text(0)?, args.remaining_values(1))?;
        args.budget.check_string_room(text.len())?;
        Ok(ConfigValue::new_string(text))
    })
    .with_variadic(declare_nullable("args", Any)),
    declare_function("formatlist", &[declare_param("format", Text)], format_list)
        .with_variadic(declare_nullable("args", Any)),
];

/// The largest field width, in characters.
const WIDEST: usize = 1_000;

/// One `%` sequence, such as `%-10s`.
#[derive(Debug, Default)]
struct FormatVerb {
    minus: bool,
    plus: bool,
    space: bool,
    zero: bool,
    sharp: bool,
    width: Option<usize>,
    precision: Option<usize>,
    argument: Option<usize>,
    letter: char,
}

fn render_format(format: &str, values: &[ConfigValue]) -> Result<String, FunctionError> {
    let mut out = String::new();
    let mut next = 0;
    let mut used = 0;
    let mut rest = format;
    while let Some(percent) = rest.find('%') {
        let (before, tail) = rest.split_at(percent);
        out.push_str(before);
        let (verb, after) = parse_verb(tail)?;
        rest = after;
        if verb.letter == '%' {
            out.push('%');
            continue;
        }
        let index = verb.argument.unwrap_or(next);
        next = index + 1;
        used = used.max(next);
        let Some(value) = values.get(index) else {
            return FunctionError::reject_argument(
                0,
                format!("%{} has no argument; {} arguments were passed", verb.letter, values.len()),
            );
        };
        out.push_str(&render_verb(&verb, value, index + 1)?);
        if out.len() > crate::hcl::budget::LONGEST_STRING {
            return Err(FunctionError::TooLarge(crate::hcl::budget::TooLargeError::String));
        }
    }
    out.push_str(rest);
    if used < values.len() {
        return FunctionError::reject_argument(used + 1, format!("the format string uses only {used} arguments"));
    }
    Ok(out)
}

fn parse_verb(text: &str) -> Result<(FormatVerb, &str), FunctionError> {
    let broken = || FunctionError::Argument(0, "% must be followed by a verb; write %% for a percent sign".to_owned());
    let mut verb = FormatVerb::default();
    let mut rest = text.strip_prefix('%').ok_or_else(broken)?;
    loop {
        let c = rest.chars().next().ok_or_else(broken)?;
        match c {
            '-' => verb.minus = true,
            '+' => verb.plus = true,
            ' ' => verb.space = true,
            '0' => verb.zero = true,
            '#' => verb.sharp = true,
            _ => break,
        }
        rest = rest.get(1..).unwrap_or_default();
    }
    (verb.width, rest) = parse_digits(rest)?;
    if let Some(after) = rest.strip_prefix('.') {
        (verb.precision, rest) = parse_digits(after)?;
        verb.precision = verb.precision.or(Some(0));
    }
    if let Some(after) = rest.strip_prefix('[') {
        let (index, tail) = parse_digits(after)?;
        let index = index.and_then(|index| index.checked_sub(1));
        verb.argument =
            Some(index.ok_or_else(|| FunctionError::Argument(0, "arguments are numbered from [1]".to_owned()))?);
        rest = tail.strip_prefix(']').ok_or_else(broken)?;
    }
    verb.letter = rest.chars().next().ok_or_else(broken)?;
    let rest = rest.get(verb.letter.len_utf8()..).unwrap_or_default();
    Ok((verb, rest))
}

fn parse_digits(text: &str) -> Result<(Option<usize>, &str), FunctionError> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    if number.is_empty() {
        return Ok((None, rest));
    }
    match number.parse() {
        Ok(number) if number <= WIDEST => Ok((Some(number), rest)),
        _ => FunctionError::reject_argument(0, format!("a width must be at most {WIDEST}")),
    }
}

fn render_verb(verb: &FormatVerb, value: &ConfigValue, index: usize) -> Result<String, FunctionError> {
    let text = match verb.letter {
        'v' => {
            let json = || {
                let mut out = String::new();
                write_json(value, &mut out).map(|()| out)
            };
            match &value.data {
                _ if verb.sharp => json()?,
                ValueData::Null => "null".to_owned(),
                ValueData::Number(number) => return render_number(verb, number, index),
                _ => to_text(value).map_or_else(json, |text| Ok(text.to_string()))?,
            }
        }
        _ if value.is_null() => {
            return FunctionError::reject_argument(index, format!("it is null, but %{} requires a value", verb.letter));
        }
        't' => match convert_value(value, &Type::Bool) {
            Ok(ConfigValue { data: ValueData::Bool(flag), .. }) => flag.to_string(),
            _ => {
                return FunctionError::reject_argument(
                    index,
                    format!("%t takes a bool, not {}", value.describe_form()),
                );
            }
        },
        's' | 'q' => match to_text(value) {
            Some(text) => {
                let cut: String = match verb.precision {
                    Some(precision) => text.chars().take(precision).collect(),
                    None => text.to_string(),
                };
                if verb.letter == 'q' { serde_json::Value::from(cut).to_string() } else { cut }
            }
            None => {
                return FunctionError::reject_argument(
                    index,
                    format!("%{} takes a string, not {}", verb.letter, value.describe_form()),
                );
            }
        },
        'd' | 'b' | 'o' | 'x' | 'X' | 'e' | 'E' | 'f' | 'g' | 'G' => {
            let Ok(ConfigValue { data: ValueData::Number(number), .. }) = convert_value(value, &Type::Number) else {
                return FunctionError::reject_argument(
                    index,
                    format!("%{} takes a number, not {}", verb.letter, value.describe_form()),
                );
            };
            return render_number(verb, &number, index);
        }
        other => return FunctionError::reject_argument(0, format!("%{other} is not a verb")),
    };
    Ok(pad_text(verb, text, false))
}

fn render_number(verb: &FormatVerb, number: &Number, index: usize) -> Result<String, FunctionError> {
    let digits = match verb.letter {
        'd' | 'b' | 'o' | 'x' | 'X' => {
            let radix = match verb.letter {
                'b' => 2,
                'o' => 8,
                'd' => 10,
                _ => 16,
            };
            let Some(whole) = number.to_integer() else {
                return FunctionError::reject_argument(index, format!("%{} takes a whole number", verb.letter));
            };
            let digits = whole.magnitude().to_str_radix(radix);
            let prefix = match (verb.sharp, verb.letter) {
                (true, 'x') => "0x",
                (true, 'X') => "0X",
                (true, 'o') => "0",
                (true, 'b') => "0b",
                _ => "",
            };
            format!("{prefix}{}", if verb.letter == 'X' { digits.to_uppercase() } else { digits })
        }
        'f' => format!("{:.*}", verb.precision.unwrap_or(6), number.to_f64().abs()),
        'e' | 'E' => render_exponent(number.to_f64().abs(), verb.precision.unwrap_or(6), verb.letter),
        _ => match verb.precision {
            None => render_shortest(number, verb.letter),
            Some(precision) => render_general(number.to_f64().abs(), precision.max(1), verb.letter),
        },
    };
    let sign = match (number.is_negative(), verb.plus, verb.space) {
        (true, ..) => "-",
        (_, true, _) => "+",
        (_, _, true) => " ",
        _ => "",
    };
    let zeros = match verb.width {
        Some(width) if verb.zero && !verb.minus => width.saturating_sub(digits.len() + sign.len()),
        _ => 0,
    };
    Ok(pad_text(verb, format!("{sign}{}{digits}", "0".repeat(zeros)), true))
}

/// Scientific notation with a sign and at least two digits in the exponent, as in Go.
fn render_exponent(number: f64, precision: usize, letter: char) -> String {
    let text = format!("{number:.precision$e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |exponent| ('-', exponent));
    format!("{digits}{letter}{sign}{exponent:0>2}")
}

/// All digits of a number, in scientific notation if the exponent is below -4 or above 5, as Terraform writes `%g` and `%v`.
fn render_shortest(number: &Number, letter: char) -> String {
    let (digits, power) = number.significant_digits();
    if (-4..6).contains(&power) {
        return number.abs().to_string();
    }
    let (first, rest) = digits.split_at(1);
    let point = if rest.is_empty() { "" } else { "." };
    let (mark, sign) = (if letter == 'G' { 'E' } else { 'e' }, if power < 0 { '-' } else { '+' });
    format!("{first}{point}{rest}{mark}{sign}{:0>2}", power.abs())
}

/// A number with `precision` significant digits, without trailing zeros.
fn render_general(number: f64, precision: usize, letter: char) -> String {
    let scientific = format!("{:.*e}", precision - 1, number);
    let power: i64 = scientific.split_once('e').and_then(|(_, power)| power.parse().ok()).unwrap_or(0);
    let precision = i64::try_from(precision).unwrap_or(i64::MAX);
    let trim = |text: String| {
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
    };
    if power < -4 || power >= precision {
        let (digits, _) = scientific.split_once('e').unwrap_or((&scientific, ""));
        let letter = if letter == 'G' { 'E' } else { 'e' };
        let sign = if power < 0 { '-' } else { '+' };
        return format!("{}{letter}{sign}{:0>2}", trim(digits.to_owned()), power.abs());
    }
    trim(format!("{:.*}", usize::try_from(precision - 1 - power).unwrap_or(0), number))
}

fn pad_text(verb: &FormatVerb, text: String, number: bool) -> String {
    let Some(width) = verb.width else { return text };
    let missing = width.saturating_sub(text.chars().count());
    let filler = if verb.zero && !verb.minus && !number { "0" } else { " " };
    if verb.minus { format!("{text}{}", " ".repeat(missing)) } else { format!("{}{text}", filler.repeat(missing)) }
}

/// Applies the format once for each element of the lists among the arguments. Other arguments are the same each time.
fn format_list(args: &Args<'_>) -> Result<ConfigValue, FunctionError> {
    let format = args.expect_text(0)?;
    let values = args.remaining_values(1);
    let mut count: Option<usize> = None;
    for (index, value) in values.iter().enumerate() {
        if let Some(elements) = value.elements() {
            match count {
                Some(count) if count != elements.len() => {
                    let problem = format!("it has {} elements, but an earlier list has {count}", elements.len());
                    return FunctionError::reject_argument(index + 1, problem);
                }
                _ => count = Some(elements.len()),
            }
        }
    }
    let count = count.unwrap_or(1);
    args.budget.check_collection_room(count)?;
    let mut texts = Vec::with_capacity(count);
    for row in 0..count {
        let cell = |value: &ConfigValue| match value.elements() {
            Some(elements) => elements.get(row).cloned().unwrap_or(ConfigValue::NULL),
            None => value.clone(),
        };
        let cells: Vec<ConfigValue> = values.iter().map(cell).collect();
        let text = render_format(format, &cells)?;
        args.budget.charge_parts(0, text.len())?;
        args.take_steps(steps_for_text(text.len()))?;
        texts.push(ConfigValue::new_string(text));
    }
    Ok(ConfigValue::new_list(texts))
}
