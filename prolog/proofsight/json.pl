:- module(proofsight_json,
          [ json_text/2,                % +Value, -Text
            json_string/2               % +Text, -Quoted
          ]).

:- det(json_text/2).
:- det(json_string/2).

/** <module> Writing JSON

A value is object([Key-Value, ...]), a list, a number, null(), true(),
false(), or an atom or string, which becomes a string.  Fragments are
collected in a list and joined once, which is several times faster than
writing to a stream.
*/

%!  json_text(+Value, -Text:string) is det.

json_text(Value, Text) :-
    fragments(Value, Fragments, []),
    atomics_to_string(Fragments, Text).

fragments(object(Pairs), Fragments, Tail) =>
    Fragments = ['{'|Fragments1],
    members(Pairs, Fragments1, ['}'|Tail]).
fragments(List, Fragments, Tail), is_list(List) =>
    Fragments = ['['|Fragments1],
    elements(List, Fragments1, [']'|Tail]).
fragments(null(), Fragments, Tail) =>
    Fragments = [null|Tail].
fragments(true(), Fragments, Tail) =>
    Fragments = [true|Tail].
fragments(false(), Fragments, Tail) =>
    Fragments = [false|Tail].
fragments(Number, Fragments, Tail), number(Number) =>
    Fragments = [Number|Tail].
fragments(Text, Fragments, Tail), atomic(Text) =>
    json_string(Text, Quoted),
    Fragments = [Quoted|Tail].

members([], Fragments, Tail) =>
    Fragments = Tail.
members([Key-Value|Pairs], Fragments, Tail) =>
    json_string(Key, Quoted),
    Fragments = [Quoted, :|Fragments1],
    fragments(Value, Fragments1, Fragments2),
    more(Pairs, Fragments2, Fragments3),
    members(Pairs, Fragments3, Tail).

elements([], Fragments, Tail) =>
    Fragments = Tail.
elements([Value|Values], Fragments, Tail) =>
    fragments(Value, Fragments, Fragments1),
    more(Values, Fragments1, Fragments2),
    elements(Values, Fragments2, Tail).

more([], Fragments, Tail) =>
    Fragments = Tail.
more([_|_], Fragments, Tail) =>
    Fragments = [','|Tail].

%!  json_string(+Text, -Quoted:string) is det.
%
%   Quoted is Text between double quotes, with everything escaped that
%   JSON wants escaped.  Lone surrogates, which UTF-8 cannot carry, become
%   U+FFFD.

json_string(Text, Quoted) :-
    string_codes(Text, Codes),
    escaped(Codes, Escaped, [0'"]),
    string_codes(Quoted, [0'"|Escaped]).

escaped([], Escaped, Tail) =>
    Escaped = Tail.
escaped([Code|Codes], Escaped, Tail) =>
    escaped_code(Code, Escaped, Escaped1),
    escaped(Codes, Escaped1, Tail).

escaped_code(0'", Escaped, Tail) =>
    Escaped = [0'\\, 0'"|Tail].
escaped_code(0'\\, Escaped, Tail) =>
    Escaped = [0'\\, 0'\\|Tail].
escaped_code(Code, Escaped, Tail), Code < 0x20 =>
    format(codes(Escaped, Tail), '\\u~|~`0t~16r~4+', [Code]).
escaped_code(Code, Escaped, Tail), Code >= 0xd800, Code =< 0xdfff =>
    Escaped = [0xfffd|Tail].
escaped_code(Code, Escaped, Tail) =>
    Escaped = [Code|Tail].
