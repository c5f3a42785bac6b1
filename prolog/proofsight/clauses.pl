:- module(proofsight_clauses,
          [ item/5,                     % +File, +Term, +Position, +Names, -Item
            conjuncts/2                 % +Body, -Goals
          ]).
:- use_module(library(apply), [maplist/2, maplist/3, maplist/4]).
:- use_module(library(lists), [member/2]).
:- use_module(features, [feature/1, single/2]).
:- use_module(source, [argument/3, elements/2, start/2]).

:- det(item/5).
:- det(conjuncts/2).

/** <module> From clauses to items

Each clause of a revision's files is translated once into an item; nothing
downstream looks at clauses again.  Offsets are those of read_source/4.

  - layer(Atom, Module, Kind, Size, Offset)
  - reads(Layer, Place, Offset)
  - proposition(Name, Feature, Threshold, Offset)
  - rule(Id, Head, Elements, Clause, Offset), where Head is class(Class),
    points(Class, Points), ab(Rule) or derived(Proposition),
    and an element is active(Proposition, Sign, Offset),
    unless(Rule, Offset) or at_least(M, Elements, Offset)
  - policy(Policy, Offset), default_class(Class, Offset),
    base_points(Class, Points, Offset), class_order(Classes, Offset)
  - stats(Rule, Statistics, Offset), label(Proposition, Text, By, Offset)
  - user(Head, Body, Position, Names, Offset)
*/

%!  item(+File, +Term, +Position, +Names, -Item) is det.
%
%   Item is what Term, a clause of File, says.
%
%   @throws malformed(Code, Slots, Offset) where it says nothing.

item(_, (:- Directive), Position, Names, _) =>
    malformed(directive, [clause=(:- Directive)], Position, Names).
item(_, (?- Directive), Position, Names, _) =>
    malformed(directive, [clause=(?- Directive)], Position, Names).
item('quantiser.pl', layer(Atom, Module, Kind, Size), Position, _, Item),
  atom(Atom), atom(Module), atom(Kind),
  memberchk(Kind, [conv, linear, map]),
  integer(Size), Size >= 1 =>
    start(Position, Offset),
    Item = layer(Atom, Module, Kind, Size, Offset).
item('quantiser.pl', reads(Layer, Place), Position, _, Item),
  atom(Layer), atom(Place) =>
    start(Position, Offset),
    Item = reads(Layer, Place, Offset).
item('quantiser.pl', proposition(Name, Feature, Threshold), Position, Names, Item),
  atom(Name), feature(Feature) =>
    threshold(Feature, Threshold, Position, Names, Single),
    start(Position, Offset),
    Item = proposition(Name, Feature, Single, Offset).
item('rules.pl', policy(Policy), Position, _, Item), ground(Policy) =>
    start(Position, Offset),
    Item = policy(Policy, Offset).
item('rules.pl', default_class(Class), Position, _, Item), atom(Class) =>
    start(Position, Offset),
    Item = default_class(Class, Offset).
item('rules.pl', base_points(Class, Points), Position, Names, Item),
  atom(Class) =>
    points(Points, Position, 2, Names),
    start(Position, Offset),
    Item = base_points(Class, Points, Offset).
item('rules.pl', class_order(Classes), Position, _, Item),
  atoms(Classes) =>
    start(Position, Offset),
    Item = class_order(Classes, Offset).
item('rules.pl', rule_stats(Rule, Statistics), Position, _, Item),
  atom(Rule), statistics(Statistics, Pairs) =>
    start(Position, Offset),
    Item = stats(Rule, Pairs, Offset).
item('rules.pl', (Head :- Body), Position, Names, Item),
  head(Head, Image, Meaning) =>
    argument(1, Position, HeadPosition),
    argument(2, Position, BodyPosition),
    whole(Meaning, HeadPosition, Names),
    opened(Body, BodyPosition, Image, Position, Names, Id, Elements),
    start(Position, Offset),
    Item = rule(Id, Meaning, Elements, (Head :- Body), Offset).
item('rules.pl', Head, Position, Names, _), head(Head, _, _) =>
    malformed(missing_rule, [clause=Head], Position, Names).
item('labels.pl', label(Proposition, Text, By), Position, _, Item),
  atom(Proposition), text_or_atom(Text), ground(By) =>
    start(Position, Offset),
    Item = label(Proposition, Text, By, Offset).
item('user.pl', (Head :- Body), Position, Names, Item), plain(Head) =>
    argument(2, Position, BodyPosition),
    start(Position, Offset),
    Item = user(Head, Body, BodyPosition, Names, Offset).
item('user.pl', Head, Position, Names, Item), plain(Head) =>
    start(Position, Offset),
    Item = user(Head, true, Position, Names, Offset).
item(File, Term, Position, Names, _) =>
    malformed(unknown_clause, [file=File, clause=Term], Position, Names).

malformed(Code, Slots, Position, Names) :-
    start(Position, Offset),
    maplist(readable(Names), Slots, Readable),
    throw(malformed(Code, Readable, Offset)).

%   Terms in messages stand as they do in the file, but short.

readable(Names, Key=Term, Readable) :-
    (   memberchk(Key, [file, rule])
    ->  Readable = (Key=Term)
    ;   copy_term(Term-Names, Copy-Bound),
        maplist(named, Bound),
        format(string(Text), '~W',
               [Copy, [quoted(true), numbervars(true), max_depth(12)]]),
        Readable = (Key=Text)
    ).

named(Name=Variable) :-
    ignore(Variable = '$VAR'(Name)).

plain(Head), callable(Head) =>
    Head \= (_ :- _),
    Head \= (_ --> _),
    Head \= (_ => _),
    Head \= _:_.
plain(_) =>
    fail.

atoms(List) :-
    is_list(List),
    forall(member(Element, List), atom(Element)).

text_or_atom(Text) :- atom(Text), !.
text_or_atom(Text) :- string(Text).

%   Thresholds.

threshold(derived(_), none, _, _, Single) =>
    Single = none.
threshold(Feature, Threshold, _, _, Single),
  Feature \= derived(_), number(Threshold), single(Threshold, Nearest) =>
    Single = Nearest.
threshold(_, Threshold, Position, Names, _) =>
    argument(3, Position, Third),
    malformed(bad_threshold, [threshold=Threshold], Third, Names).

%   Statistics: a list of key(value), which becomes pairs.

statistics(List, Pairs) :-
    is_list(List),
    catch(maplist(statistic, List, Pairs), error(_, _), fail).

statistic(Statistic, Pair), compound(Statistic) =>
    compound_name_arguments(Statistic, Key, [Value]),
    atomic(Value),
    Pair = Key-Value.
statistic(_, _) =>
    fail.

%   Rules.

head(class(Image, Class), Image1, Meaning) =>
    var(Image), atom(Class),
    Image1 = Image,
    Meaning = class(Class).
head(points(Image, Class, Points), Image1, Meaning) =>
    var(Image), atom(Class),
    Image1 = Image,
    Meaning = points(Class, Points).
head(ab(Rule, Image), Image1, Meaning) =>
    var(Image), atom(Rule),
    Image1 = Image,
    Meaning = ab(Rule).
head(derived(Image, Proposition), Image1, Meaning) =>
    var(Image), atom(Proposition),
    Image1 = Image,
    Meaning = derived(Proposition).
head(_, _, _) =>
    fail.

whole(points(_, Points), HeadPosition, Names) =>
    points(Points, HeadPosition, 3, Names).
whole(_, _, _) =>
    true.

%   Sums of as many such points as a file can hold are exact everywhere.

points(Points, Position, N, Names) :-
    (   integer(Points),
        abs(Points) =< 1_000_000
    ->  true
    ;   argument(N, Position, At),
        malformed(bad_points, [points=Points], At, Names)
    ).

opened(Body, BodyPosition, Image, Position, Names, Id, Elements) :-
    positioned(Body, BodyPosition, Goals, []),
    (   Goals = [rule(Id, Image1)-_|Goals1],
        Image1 == Image,
        atom(Id)
    ->  maplist(element(Image, Names), Goals1, Elements)
    ;   Goals = [Goal-_|_],
        malformed(missing_rule, [clause=Goal], Position, Names)
    ).

positioned(Body, Position, Goals, Tail), nonvar(Body), Body = (A, B) =>
    argument(1, Position, PositionA),
    argument(2, Position, PositionB),
    positioned(A, PositionA, Goals, Goals1),
    positioned(B, PositionB, Goals1, Tail).
positioned(Body, Position, Goals, Tail) =>
    Goals = [Body-Position|Tail].

element(Image, Names, Goal-Position, Element) :-
    (   literal(Image, Goal, Position, Literal)
    ->  Element = Literal
    ;   subsumes_term(\+ ab(_, _), Goal),
        Goal = (\+ ab(Rule, Image1)),
        atom(Rule), Image1 == Image
    ->  start(Position, Offset),
        Element = unless(Rule, Offset)
    ;   subsumes_term(at_least(_, _), Goal)
    ->  Goal = at_least(M, Goals),
        at_least(M, Goals, Image, Names, Position, Element)
    ;   malformed(unknown_literal, [goal=Goal], Position, Names)
    ).

literal(Image, Goal, Position, Literal) :-
    (   subsumes_term(active(_, _), Goal)
    ->  Goal = active(Image1, Proposition),
        Sign = true,
        argument(2, Position, At)
    ;   subsumes_term(\+ active(_, _), Goal),
        Goal = (\+ active(Image1, Proposition)),
        Sign = false,
        argument(1, Position, Inner),
        argument(2, Inner, At)
    ),
    Image1 == Image,
    atom(Proposition),
    start(At, Offset),
    Literal = active(Proposition, Sign, Offset).

at_least(M, Goals, Image, Names, Position, Element) :-
    argument(2, Position, ListPosition),
    elements(ListPosition, Positions),
    (   integer(M),
        is_list(Goals),
        length(Goals, N),
        M >= 1, M =< N,
        maplist(literal(Image), Goals, Positions, Literals)
    ->  start(Position, Offset),
        Element = at_least(M, Literals, Offset)
    ;   malformed(bad_at_least, [goal=at_least(M, Goals)], Position, Names)
    ).

%!  conjuncts(+Body, -Goals) is det.
%
%   Goals are the goals of the conjunction Body, in order.

conjuncts(Body, Goals) :-
    conjuncts(Body, Goals, []).

conjuncts(Body, Goals, Tail), nonvar(Body), Body = (A, B) =>
    conjuncts(A, Goals, Goals1),
    conjuncts(B, Goals1, Tail).
conjuncts(true, Goals, Tail) =>
    Goals = Tail.
conjuncts(Goal, Goals, Tail) =>
    Goals = [Goal|Tail].
