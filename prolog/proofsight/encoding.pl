:- module(proofsight_encoding,
          [ node_texts/5,               % +Kind, +Goal, +Details, -Head, -After
            nodes_json/3,               % +Nodes, -Fragments, ?Tail
            nodes_terms/2               % +Nodes, -Terms
          ]).
:- use_module(library(apply), [maplist/3]).
:- use_module(library(lists), [append/3, subtract/3]).
:- use_module(json, [json_string/2]).
:- use_module(interaction_proof, [interaction_label/3]).
:- use_module(interpreter, [goal_kind/3]).

:- det(node_texts/5).
:- det(nodes_json/3).
:- det(nodes_terms/2).

/** <module> Proofs as JSON and as terms

JSON is a list of fragments, most of which are made when a revision is
loaded; the caller joins them.  That takes a fifth of the time of writing
them to a stream.
*/

%!  node_texts(+Kind, +Goal, +Details, -Head, -After) is det.
%
%   Head is the JSON of a node up to its status.  After follows the status
%   where the node's value was seen or, of a clause, where its rule is to
%   be named.  Details are class(C), proposition(P), label(L), circuit(C), rule(R),
%   points(N) and threshold(T).  Of a score, whose points are known later, Head
%   ends before them in the goal, and After goes on behind them up to the
%   status.

node_texts(score, score(Image, Class, _), Details, Head, After) =>
    goal_json(score(Image, Class, '$VAR'('_')), GoalJson),
    string_concat(Opening, "_)\"", GoalJson),
    fields(Details, Fields, ['"status":"']),
    string_concat('{"goal":', Opening, Head),
    atomic_list_concat([')","kind":"score",'|Fields], After).
node_texts(Kind, Goal, Details, Head, After) =>
    goal_json(Goal, GoalJson),
    (   append(Named, [threshold(Threshold)], Details)
    ->  atomic_list_concat(['","threshold":', Threshold, ',"value":'], After)
    ;   Named = Details,
        (   memberchk(rule(Rule), Details)
        ->  json_string(Rule, RuleJson),
            atom_concat('","rule":', RuleJson, After)
        ;   After = '"'
        )
    ),
    fields(Named, Fields, ['"status":"']),
    atomic_list_concat(['{"goal":', GoalJson, ',"kind":"', Kind, '",'|Fields], Head).

goal_json(Goal, GoalJson) :-
    format(string(Text), '~W',
           [Goal, [quoted(true), numbervars(true), max_depth(1000)]]),
    json_string(Text, GoalJson).

fields([], Fields, Tail) =>
    Fields = Tail.
fields([Detail|Details], Fields, Tail) =>
    Detail =.. [Key, Value],
    (   integer(Value)
    ->  ValueJson = Value
    ;   json_string(Value, ValueJson)
    ),
    Fields = ['"', Key, '":', ValueJson, ','|Fields1],
    fields(Details, Fields1, Tail).

%!  nodes_json(+Nodes, -Fragments, ?Tail) is det.
%
%   Fragments, up to Tail, are a JSON array of Nodes, as nodes/4 of proof.pl
%   has them.

nodes_json(Nodes, ['['|Fragments], Tail) :-
    nodes_fragments(Nodes, Fragments, Tail).

nodes_fragments([Node], Fragments, Tail) =>
    node_fragments(Node, Fragments, [']'|Tail]).
nodes_fragments([Node|Nodes], Fragments, Tail) =>
    node_fragments(Node, Fragments, [','|Fragments1]),
    nodes_fragments(Nodes, Fragments1, Tail).

node_fragments(node(Place, Status, How, Children), [Head|Fragments], Tail) :-
    texts(Place, KB, Head, After),
    (   points_of(How, Points)
    ->  Fragments = [Points, After, Status|Fragments1]
    ;   Fragments = [Status|Fragments1]
    ),
    how_fragments(How, KB, After, Fragments1, Fragments2),
    child_fragments(Children, Fragments2, Tail).

points_of(score(Points, _, _), Points).
points_of(cut(score(Points, _, _), _), Points).

texts(at(Id, About), KB, Head, After) =>
    About = about(KB, Image, _, _, _, _, Graph),
    (   Image == img
    ->  arg(Id, Graph, node(_, Head, After))
    ;   KB:'$goal'(Id, Kind, Image, Goal, Details),
        node_texts(Kind, Goal, Details, Head, After)
    ).
texts(goal(Goal, KB0), KB, Head, After) =>
    KB = KB0,
    shown(Goal, Shown),
    goal_kind(KB, Goal, Kind),
    goal_details(KB, Goal, Details),
    node_texts(Kind, Shown, Details, Head, After).

goal_details(KB, Goal, Details) :-
    (   interaction_label(KB, Goal, Label)
    ->  Details = [label(Label)]
    ;   Details = []
    ).

%   The goal of a refuted clause is that which it might have proved.

shown(refuted(_, Head), Shown) =>
    shown(Head, Shown).
shown(Goal, Shown) =>
    copy_term(Goal, Shown),
    numbervars(Shown, 0, _).

how_fragments(none, _, _, Fragments, Tail) =>
    Fragments = ['"'|Tail].
how_fragments(value(Value), _, After, Fragments, Tail) =>
    (   abs(Value) =< 1.7976931348623157e308
    ->  Number = Value
    ;   Value > 0                       % JSON has no infinity, but numbers as large
    ->  Number = '1e999'
    ;   Number = '-1e999'
    ),
    Fragments = [After, Number|Tail].
how_fragments(rule(Clause), KB, _, Fragments, Tail) =>
    KB:'$text'(Clause, _, After),
    Fragments = [After|Tail].
how_fragments(clause(Place), _, _, Fragments, Tail) =>
    json_string(Place, PlaceJson),
    Fragments = ['","rule":', PlaceJson|Tail].
how_fragments(count(Needed, Holding, Total), _, _, Fragments, Tail) =>
    Fragments = ['","count":[', Needed, ',', Holding, ',', Total, ']'|Tail].
how_fragments(score(Points, Base, Against), _, _, Fragments, Tail) =>
    Fragments = ['","score":{"points":', Points, ',"base":', Base|Fragments1],
    against_fragments(Against, Fragments1, ['}'|Tail]).
how_fragments(cut(How, Count), KB, After, Fragments, Tail) =>
    how_fragments(How, KB, After, Fragments, [',"left_out":', Count|Tail]).

against_fragments(none, Fragments, Tail) =>
    Fragments = [',"won":true'|Tail].
against_fragments(ahead(Class, Margin), Fragments, Tail) =>
    rival_fragments(true, Class, Margin, Fragments, Tail).
against_fragments(behind(Class, Margin), Fragments, Tail) =>
    rival_fragments(false, Class, Margin, Fragments, Tail).

rival_fragments(Won, Class, Margin, Fragments, Tail) :-
    json_string(Class, Rival),
    Fragments = [',"won":', Won, ',"rival":', Rival, ',"margin":', Margin|Tail].

child_fragments([], Fragments, Tail) =>
    Fragments = ['}'|Tail].
child_fragments([Child|Children], Fragments, Tail) =>
    Fragments = [',"children":[', Child|Fragments1],
    more_children(Children, Fragments1, Tail).

more_children([], Fragments, Tail) =>
    Fragments = [']}'|Tail].
more_children([Child|Children], Fragments, Tail) =>
    Fragments = [',', Child|Fragments1],
    more_children(Children, Fragments1, Tail).

%!  nodes_terms(+Nodes, -Terms) is det.
%
%   Terms are node(Goal, Kind, Status, Children, Details), one for each of
%   Nodes.  Details may hold class(C), proposition(P), label(L), circuit(C), rule(R),
%   points(N), value(V), threshold(T), count(Needed, Holding, Total),
%   score(Points, Base, Against), see expand_node/5 of expansion.pl, and
%   left_out(Count), how many more children there would be.

nodes_terms(Nodes, Terms) :-
    maplist(node_term, Nodes, Terms).

node_term(node(Place, Status, How, Children), Term) :-
    Term = node(Goal, Kind, Status, Children, Details),
    said(Place, KB, Kind, Goal, Details0),
    ignore(( points_of(How, Points),
             Goal = score(_, _, Points)
           )),
    how_details(How, KB, Details0, Details).

said(at(Id, About), KB, Kind, Goal, Details) =>
    About = about(KB, Image, _, _, _, _, _),
    KB:'$goal'(Id, Kind, Image, Goal, Details).
said(goal(Goal0, KB0), KB, Kind, Goal, Details) =>
    KB = KB0,
    shown(Goal0, Goal),
    goal_kind(KB, Goal0, Kind),
    goal_details(KB, Goal0, Details).

how_details(value(Value), _, Details0, Details) =>
    append(Details0, [value(Value)], Details).
how_details(cut(How, Count), KB, Details0, Details) =>
    how_details(How, KB, Details0, Details1),
    append(Details1, [left_out(Count)], Details).
how_details(How, KB, Details0, Details) =>
    subtract(Details0, [threshold(_)], Details1),
    (   How = rule(Clause)
    ->  KB:'$goal'(Clause, _, _, _, [rule(Rule)|_]),
        append(Details1, [rule(Rule)], Details)
    ;   How = clause(Place)
    ->  append(Details1, [rule(Place)], Details)
    ;   memberchk(How, [count(_, _, _), score(_, _, _)])
    ->  append(Details1, [How], Details)
    ;   Details = Details1
    ).
