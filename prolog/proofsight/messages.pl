:- encoding(utf8).
:- module(proofsight_messages,
          [ text/3                      % +Key, +Slots, -Text
          ]).
:- use_module(library(apply), [maplist/3]).
:- use_module(library(lists), [append/3, member/2]).
:- use_module(library(ordsets), [ord_intersection/3]).
:- use_module(library(pairs), [pairs_values/2]).
:- use_module(library(readutil), [read_file_to_codes/3]).

:- create_prolog_flag(proofsight_language, en, [keep(true), type(atom)]).

:- det(text/3).

/** <module> Texts for people

All of them stand in `prolog/messages/LANGUAGE.json`, keys with texts that
have `{slots}`.  The Prolog flag `proofsight_language` chooses the file.
Its table is read when this file is loaded: later, a text may be wanted by
a goal that has few inferences left.
*/

:- dynamic
    pieces/3.                           % Language, Key, Pieces

%!  text(+Key, +Slots, -Text:string) is det.
%
%   Text is the message Key with each `{slot}` replaced by the value of
%   `slot=Value` in the list Slots.  Control characters in a value become
%   spaces, so that names cannot steer a terminal.  A value near(Name,
%   Known) becomes an offer of up to three of the Known names that are like
%   Name, or nothing; a value offer(Key, Names) the message Key about the
%   first few Names, or nothing where there are none.

text(Key, Slots, Text) :-
    current_prolog_flag(proofsight_language, Language),
    known_table(Language),
    (   pieces(Language, Key, Pieces)
    ->  true
    ;   existence_error(message, Key)
    ),
    maplist(filled(Slots), Pieces, Parts),
    atomics_to_string(Parts, Text).

filled(_, text(Text), Part) =>
    Part = Text.
filled(Slots, slot(Name), Part) =>
    (   memberchk(Name=Value, Slots)
    ->  printable(Value, Part)
    ;   existence_error(message_slot, Name)
    ).

printable(near(Name, Known), Part) =>
    nearest(Name, Known, Part).
printable(offer(_, []), Part) =>
    Part = "".
printable(offer(Key, Names), Part) =>
    first(6, Names, Shown),
    (   Shown == Names
    ->  End = []
    ;   End = ['…']
    ),
    findall(Text, ( member(Name, Shown), format(atom(Text), '~q', [Name]) ), Texts),
    append(Texts, End, Listed),
    atomic_list_concat(Listed, ', ', All),
    text(Key, [names=All], Part).
printable(Value, Part) =>
    atom_codes(Value, Codes),
    (   member(Code, Codes),
        control(Code)
    ->  maplist(printable_code, Codes, Clean),
        string_codes(Part, Clean)
    ;   Part = Value
    ).

printable_code(Code, Clean) :-
    (   control(Code)
    ->  Clean = 0'\s
    ;   Clean = Code
    ).

control(Code) :- Code < 0x20, !.
control(Code) :- Code >= 0x7f, Code =< 0x9f.

nearest(Name, Known, Hint) :-
    bigrams(Name, Bigrams),
    findall(Unlikeness-Other,
            ( member(Other, Known),
              likeness(Bigrams, Other, Likeness),
              Likeness >= 0.5,
              Unlikeness is 1.0 - Likeness
            ),
            Scored0),
    sort(Scored0, Scored),
    pairs_values(Scored, Names),
    first(3, Names, Best),
    (   Best == []
    ->  Hint = ""
    ;   atomic_list_concat(Best, ', ', Listed),
        text(nearest, [names=Listed], Hint)
    ).

%   The share of pairs of neighbouring letters that two names have in common
%   (Dice's coefficient), ends of the name included.

likeness(Bigrams, Other, Likeness) :-
    bigrams(Other, OtherBigrams),
    ord_intersection(Bigrams, OtherBigrams, Common),
    length(Bigrams, N),
    length(OtherBigrams, M),
    length(Common, Both),
    Likeness is 2 * Both / (N + M).

bigrams(Name, Bigrams) :-
    downcase_atom(Name, Lower),
    atom_codes(Lower, Codes),
    pairs(0, Codes, Pairs),
    sort(Pairs, Bigrams).

pairs(Code, [], Pairs) =>
    Pairs = [Code-0].
pairs(Code, [Next|Codes], Pairs) =>
    Pairs = [Code-Next|Pairs1],
    pairs(Next, Codes, Pairs1).

first(N, List, First) :-
    length(First, N),
    append(First, _, List),
    !.
first(_, List, List).

known_table(Language) :-
    pieces(Language, _, _),
    !.
known_table(Language) :-
    directory(Directory),
    format(atom(File), '~w/messages/~w.json', [Directory, Language]),
    read_file_to_codes(File, Codes, [encoding(utf8)]),
    phrase(table(Texts), Codes),
    forall(member(Key-Text, Texts),
           ( cut(Text, Pieces),
             assertz(pieces(Language, Key, Pieces))
           )).

:- dynamic directory/1.
:- prolog_load_context(directory, Here),
   file_directory_name(Here, Parent),
   assertz(directory(Parent)).

%   table(-Texts)//: a JSON object of strings; lists of strings, which are
%   comments, are left out.

table(Texts) -->
    blanks, "{", blanks, members(Texts), blanks, "}", blanks.

members(Texts) -->
    json_codes(KeyCodes), blanks, ":", blanks,
    (   json_codes(TextCodes)
    ->  { atom_codes(Key, KeyCodes),
          string_codes(Text, TextCodes),
          Texts = [Key-Text|Texts1]
        }
    ;   "[", comments, "]",
        { Texts = Texts1 }
    ),
    blanks,
    (   ","
    ->  blanks,
        members(Texts1)
    ;   { Texts1 = [] }
    ).

comments -->
    blanks, json_codes(_), blanks,
    (   ","
    ->  comments
    ;   []
    ).

json_codes(Codes) -->
    "\"", json_rest(Codes).

json_rest([]) -->
    "\"", !.
json_rest([Code|Codes]) -->
    "\\", !, [Escape],
    { memberchk(Escape-Code, [0'"-0'", 0'\\-0'\\, 0'/-0'/, 0'n-0'\n, 0't-0'\t]) },
    json_rest(Codes).
json_rest([Code|Codes]) -->
    [Code],
    json_rest(Codes).

blanks -->
    [Code], { code_type(Code, space) }, !, blanks.
blanks -->
    [].

%   A text is cut at its slots: "{a} holds" is [slot(a), text(" holds")].

cut(Text, Pieces) :-
    sub_string(Text, Before, 1, _, "{"),
    sub_string(Text, Close, 1, After, "}"),
    Close > Before,
    !,
    sub_string(Text, 0, Before, _, Head),
    Start is Before + 1,
    Length is Close - Start,
    sub_atom(Text, Start, Length, _, Slot),
    sub_string(Text, _, After, 0, Tail),
    cut(Tail, Rest),
    Pieces = [text(Head), slot(Slot)|Rest].
cut(Text, [text(Text)]).

:- initialization(( current_prolog_flag(proofsight_language, Language),
                    known_table(Language)
                  )).
