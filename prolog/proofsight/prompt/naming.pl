:- module(proofsight_naming,
          [ tell_unknown/3              % +Kinds, +Goal, +KB
          ]).
:- use_module('../facts', [image/2]).

:- det(tell_unknown/3).

/** <module> At the prompt: arguments that name nothing

A word of the knowledge base that does not hold is false, and so is one with
a slip of the pen in it.  The answer is the same; a warning tells them apart.
*/

%!  tell_unknown(+Kinds, +Goal, +KB) is det.
%
%   Warns of each argument of Goal that names nothing in KB, with names like
%   it; and of there being no image to speak of.  Kinds is a term such as
%   active(image, proposition): what the arguments of Goal name, `any` being
%   what has no names.

tell_unknown(Kinds, Goal, KB) :-
    forall(( arg(N, Kinds, Kind),
             arg(N, Goal, Name),
             message(Kind, Name, KB, Key, Slots)
           ),
           print_message(warning, proofsight(Key, Slots))).

message(image, _, KB, 'repl.no_image', []) :-
    \+ image(KB, _),
    !.
message(Kind, Name, KB, Key, [name=Text, nearest=near(Text, Known)]) :-
    nonvar(Name),
    unknown_key(Kind, Key),
    \+ named(Kind, KB, Name),
    format(atom(Text), '~W', [Name, [quoted(true), max_depth(10)]]),
    findall(One, named(Kind, KB, One), Known).

unknown_key(image, 'repl.unknown_image').
unknown_key(proposition, 'issue.undeclared_proposition').
unknown_key(class, 'error.UNKNOWN_CLASS').
unknown_key(layer, 'issue.undeclared_layer').
unknown_key(rule, 'repl.unknown_rule').

%   A network may have a class that its program does not speak of.

named(image, KB, Name) :-
    image(KB, Name).
named(proposition, KB, Name) :-
    KB:proposition(Name, _, _).
named(class, KB, Name) :-
    KB:'$named'(Name, class, _).
named(class, KB, Name) :-
    KB:predicted(_, Name, _),
    \+ KB:'$named'(Name, class, _).
named(layer, KB, Name) :-
    KB:layer(Name, _, _, _).
named(rule, KB, Name) :-
    KB:'$rule'(Name, _).
