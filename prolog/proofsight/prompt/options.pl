:- module(proofsight_options,
          [ checked_options/3           % +Predicate, +Options, +Known
          ]).
:- use_module(library(error), [is_of_type/2]).
:- use_module(library(lists), [member/2]).
:- use_module(current, [failed/2]).

:- det(checked_options/3).

/** <module> At the prompt: options that are not known are refused

library(option) passes them over, so that a slip of the pen would change
nothing and be told to nobody.
*/

%!  checked_options(+Predicate, +Options, +Known:list) is det.
%
%   Options is a list of Known ones: Name(Type, Example) for an option
%   Name(Value) whose value is of Type (see is_of_type/2), such as Example.
%
%   @error proofsight(Key, Slots) that has Predicate, and what it takes.

checked_options(Predicate, Options, Known) :-
    (   is_list(Options)
    ->  (   member(Option, Options),
            \+ known(Option, Known)
        ->  refused('repl.no_option', Predicate, Option, Known)
        ;   true
        )
    ;   refused('repl.no_options', Predicate, Options, Known)
    ).

known(Option, Known) :-
    callable(Option),
    (   Option = (Name=Value)
    ->  true
    ;   Option =.. [Name, Value]
    ),
    member(One, Known),
    One =.. [Name, Type, _],
    is_of_type(Type, Value),
    !.

refused(Key, Predicate, Given, Known) :-
    findall(Text, ( member(One, Known), taken(One, Text) ), Texts),
    atomic_list_concat(Texts, ', ', Taken),
    format(atom(Shown), '~W', [Given, [quoted(true), max_depth(10)]]),
    format(atom(Of), '~q', [Predicate]),
    failed(Key, [given=Shown, predicate=Of, known=Taken]).

taken(One, Text) :-
    One =.. [Name, _, Example],
    Option =.. [Name, Example],
    format(atom(Text), '~q', [Option]).
