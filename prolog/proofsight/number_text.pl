:- module(proofsight_number_text,
          [ number_text/3,              % +Number, +Digits, -Text
            numbers/5                   % +Value, +Threshold, +Digits, -ValueText, -ThresholdText
          ]).
:- use_module(library(apply), [maplist/2]).

:- det(number_text/3).
:- det(numbers/5).

/** <module> Numbers as people read them

The Python client writes the same bytes.
*/

%!  numbers(+Value, +Threshold, +Digits, -ValueText, -ThresholdText) is det.
%
%   Both with Digits digits, or as many as tell the two apart.

numbers(Value, Threshold, Digits, ValueText, ThresholdText) :-
    number_text(Value, Digits, ValueText0),
    number_text(Threshold, Digits, ThresholdText0),
    (   (   ValueText0 \== ThresholdText0
        ;   Value =:= Threshold
        ;   Digits >= 17
        )
    ->  ValueText = ValueText0,
        ThresholdText = ThresholdText0
    ;   More is Digits + 1,
        numbers(Value, Threshold, More, ValueText, ThresholdText)
    ).

%!  number_text(+Number, +Digits, -Text:string) is det.
%
%   Number with so many significant Digits, rounded as C does, without an
%   exponent and without zeros at the end of a fraction.

number_text(Number, _, Text), abs(Number) > 1.7976931348623157e308 =>
    format(string(Text), '~w', [Number]).
number_text(Number, Digits, Text) =>
    Decimals is Digits - 1,
    Float is float(Number),
    format(string(Scientific), '~*e', [Decimals, Float]),
    split_string(Scientific, "e", "", [Mantissa, ExponentText]),
    number_string(Exponent, ExponentText),
    (   string_concat("-", Magnitude, Mantissa)
    ->  Sign = "-"
    ;   Magnitude = Mantissa,
        Sign = ""
    ),
    split_string(Magnitude, ".", "", Parts),
    atomics_to_string(Parts, Significant),
    plain(Exponent, Digits, Significant, Plain),
    (   Plain == "0"
    ->  Text = Plain
    ;   string_concat(Sign, Plain, Text)
    ).

plain(Exponent, Digits, Significant, Plain) :-
    (   Exponent < 0
    ->  Leading is -Exponent - 1,
        zeros(Leading, Zeros),
        atomics_to_string(["0.", Zeros, Significant], Long),
        trimmed(Long, Plain)
    ;   Exponent >= Digits - 1
    ->  Trailing is Exponent - Digits + 1,
        zeros(Trailing, Zeros),
        string_concat(Significant, Zeros, Plain)
    ;   Whole is Exponent + 1,
        sub_string(Significant, 0, Whole, _, Integer),
        sub_string(Significant, Whole, _, 0, Fraction),
        atomics_to_string([Integer, ".", Fraction], Long),
        trimmed(Long, Plain)
    ).

zeros(Count, Zeros) :-
    length(Codes, Count),
    maplist(=(0'0), Codes),
    string_codes(Zeros, Codes).

trimmed(Text, Trimmed) :-
    split_string(Text, "", "0", [Right0]),
    sub_string(Text, 0, 1, _, First),
    (   First == "0"
    ->  string_concat("0", Right0, Right)
    ;   Right = Right0
    ),
    (   string_concat(Trimmed0, ".", Right)
    ->  Trimmed = Trimmed0
    ;   Trimmed = Right
    ).
