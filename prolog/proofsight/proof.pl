:- module(proofsight_proof,
          [ root/4,                     % +KB, +Goal, +About, -Root
            decision_root/2,            % +About, -Root
            holds/1,                    % +Root
            nodes/4,                    % +Root, +Most, -Nodes, -CutShort
            nodes/5                     % +Root, +Most, +Whole, -Nodes, -CutShort
          ]).
:- use_module(library(assoc), [empty_assoc/1, get_assoc/3, put_assoc/4]).
:- use_module(library(lists), [append/3]).
:- use_module(expansion, [expand_node/5]).
:- use_module(interpreter, [answer/6]).
:- use_module(numbering, [known/4]).
:- use_module(nearness, [nearest/6]).
:- use_module(truth, [about/3, spec/3, truth/3, winning/2]).

:- det(root/4).
:- det(decision_root/2).
:- det(nodes/4).
:- det(nodes/5).

/** <module> Proofs

A proof is a graph of nodes, numbered by breadth from the root, 0; a goal
that is used twice is one node.  What a revision's own graph says is
truth.pl's, other goals are interpreter.pl's.

A node is node(Place, Status, How, Children):

  - Place is at(Id, About), a node of the graph, or goal(Goal, KB)
  - Status is PROVED, FACT, ABSENT or CUT_SHORT
  - How is value(V), rule(Id) by the number of a clause, clause(Text),
    count(Needed, Holding, Total), score(Points, Base, Against) or none;
    Against is that of expand_node/5; or cut(How, Count), Count children
    being left out
  - Children are numbers of nodes
*/

%!  root(+KB, +Goal, +About, -Root) is det.
%
%   Root is the place of Goal, which may mention the image of About.

root(KB, Goal, About, Root) :-
    (   About == none()
    ->  Abouts = []
    ;   arg(2, About, Image),
        Abouts = [Image-About]
    ),
    place(Goal, KB, Abouts, _, Root).

%!  decision_root(+About, -Root) is det.
%
%   Root is the place of the decision, or of there being none.

decision_root(About, at(Id, About)) :-
    arg(1, About, KB),
    truth(1, About, Winner),
    (   winning(Winner, Class)
    ->  known(KB, Class, decision, Id)
    ;   known(KB, none(), undecided, Id)
    ).

%!  holds(+Root) is semidet.

holds(at(Id, About)) :-
    truth(Id, About, Truth),
    Truth \== no.
holds(goal(Goal, KB)) :-
    \+ \+ call(KB:Goal).

%!  nodes(+Root, +Most, -Nodes, -CutShort) is det.
%
%   Nodes are those of the proof or refutation at Root, Most of them at
%   most, each counted as often as it is a child.  A node whose children
%   would be too many is CUT_SHORT, and CutShort then says `nodes`, else it
%   is ''.

nodes(Root, Most, Nodes, CutShort) :-
    nodes(Root, Most, false, Nodes, CutShort).

%!  nodes(+Root, +Most, +Whole, -Nodes, -CutShort) is det.
%
%   As nodes/4, which has of a refutation only what matters, see nearest/6,
%   and what a person reads: some 66 nodes, those near the root, beyond which
%   a node that does not hold leaves out all beneath it.  Where Whole is
%   `true`, all of it.

nodes(Root, Most, Whole, Nodes, CutShort) :-
    empty_assoc(Known0),
    (   Root = at(_, About)
    ->  arg(2, About, Image),
        Abouts = [Image-About]
    ;   Abouts = []
    ),
    number_place(Root, 0, Next, Known0, Known, _, Queue, Tail),
    cut(Whole, Root, Cut),
    readable(Cut, Readable),
    walk(Queue, Tail, 1, Next, Known, Abouts, bounds(Most, Readable, Cut), Nodes, CutShort),
    ignore(CutShort = '').

%   cut(+Whole, +Root, -Cut): see nearest/6.

cut(true, _, Cut) =>
    Cut = all.
cut(_, Root, Cut) =>
    (   holds(Root)
    ->  Cut = cut(3, proof)
    ;   Cut = cut(3, refutation)
    ).

readable(cut(_, refutation), Readable) =>
    Readable = 66.
readable(_, Readable) =>
    Readable = inf.

%   Used counts the nodes, as often as they are children.

walk(Queue, _, _, _, _, _, _, Nodes, _), var(Queue) =>
    Nodes = [].
walk([Place|Queue], Tail, Used, Next, Known, Abouts, Bounds, Nodes, CutShort) =>
    Nodes = [node(Place, Status, How, Numbers)|Nodes1],
    expand(Place, Used, Bounds, Status0, How0, Children),
    fitting(Children, Place, Status0, Used, Used1, Bounds, Fitting),
    (   Fitting == all,
        number_children(Children, Next, Next1, Known, Known1, Abouts, Abouts1,
                        Numbers, Tail, Tail1)
    ->  Status = Status0,
        How = How0,
        walk(Queue, Tail1, Used1, Next1, Known1, Abouts1, Bounds, Nodes1, CutShort)
    ;   Numbers = [],
        (   Fitting = left_out(Count)
        ->  Status = Status0,
            leave_out(How0, Count, How)
        ;   Status = 'CUT_SHORT',
            How = none,
            CutShort = nodes
        ),
        walk(Queue, Tail, Used, Next, Known, Abouts, Bounds, Nodes1, CutShort)
    ).

%   fitting(+Children, +Place, +Status, +Used0, -Used, +Bounds, -Fitting):
%   `all` of them fit into the answer, or `none`; left_out(Count) where they
%   would fit, but are more than a person reads.

fitting(Children, Place, Status, Used0, Used, bounds(Most, Readable, _), Fitting) :-
    arg(1, Children, List),
    length(List, Count),
    Used is Used0 + Count,
    (   Used > Most
    ->  Fitting = none
    ;   Used > Readable,
        Count > 0,
        Status == 'ABSENT',
        foldable(Place)
    ->  Fitting = left_out(Count)
    ;   Fitting = all
    ).

foldable(at(Id, About)) :-
    spec(Id, About, Spec),
    memberchk(Spec, [active(_, _, _, _), any(_), clause(_)]).

leave_out(cut(How0, Count0), Count1, How) =>
    Count is Count0 + Count1,
    How = cut(How0, Count).
leave_out(How0, Count, How) =>
    How = cut(How0, Count).

%   Children are ids(Ids, About) or goals(Goals, KB).  Those met for the
%   first time get the next numbers and join the queue.

number_children(ids(Ids, About), Next0, Next, Known0, Known, Abouts0, Abouts,
                Numbers, Tail0, Tail) =>
    Known = Known0,
    Abouts = Abouts0,
    arg(5, About, Given),
    number_ids(Ids, About, Given, Next0, Next, Numbers, Tail0, Tail).
number_children(goals(Goals, KB), Next0, Next, Known0, Known, Abouts0, Abouts,
                Numbers, Tail0, Tail) =>
    number_goals(Goals, KB, Next0, Next, Known0, Known, Abouts0, Abouts,
                 Numbers, Tail0, Tail).

number_ids([], _, _, Next0, Next, Numbers, Tail0, Tail) =>
    Next = Next0,
    Numbers = [],
    Tail = Tail0.
number_ids([Id|Ids], About, Given, Next0, Next, Numbers, Tail0, Tail) =>
    arg(Id, Given, Number),
    Numbers = [Number|Numbers1],
    (   nonvar(Number)
    ->  number_ids(Ids, About, Given, Next0, Next, Numbers1, Tail0, Tail)
    ;   Number = Next0,
        Tail0 = [at(Id, About)|Tail1],
        Next1 is Next0 + 1,
        number_ids(Ids, About, Given, Next1, Next, Numbers1, Tail1, Tail)
    ).

number_goals([], _, Next0, Next, Known0, Known, Abouts0, Abouts,
             Numbers, Tail0, Tail) =>
    Next = Next0,
    Known = Known0,
    Abouts = Abouts0,
    Numbers = [],
    Tail = Tail0.
number_goals([Goal|Goals], KB, Next0, Next, Known0, Known, Abouts0, Abouts,
             Numbers, Tail0, Tail) =>
    Numbers = [Number|Numbers1],
    place(Goal, KB, Abouts0, Abouts1, Place),
    number_place(Place, Next0, Next1, Known0, Known1, Number, Tail0, Tail1),
    number_goals(Goals, KB, Next1, Next, Known1, Known, Abouts1, Abouts,
                 Numbers1, Tail1, Tail).

number_place(at(Id, About), Next0, Next, Known0, Known, Number, Tail0, Tail) =>
    Known = Known0,
    arg(5, About, Given),
    number_ids([Id], About, Given, Next0, Next, [Number], Tail0, Tail).
number_place(goal(Goal, KB), Next0, Next, Known0, Known, Number, Tail0, Tail) =>
    copy_term(Goal, Key),
    numbervars(Key, 0, _),
    (   get_assoc(Key, Known0, Number0)
    ->  Number = Number0,
        Next = Next0,
        Known = Known0,
        Tail = Tail0
    ;   Number = Next0,
        Next is Next0 + 1,
        put_assoc(Key, Known0, Number, Known),
        Tail0 = [goal(Goal, KB)|Tail]
    ).

%   place(+Goal, +KB, +Abouts0, -Abouts, -Place): a node of the graph, if
%   the goal is one and its image is known.

place(Goal, KB, Abouts0, Abouts, Place) :-
    (   graph_goal(Goal, Image, Name, Kind),
        atom(Image),
        ground(Name),
        known(KB, Name, Kind, Id),
        about(Abouts0, KB, Image, Abouts, About),
        counted(Goal, Id, About)
    ->  Place = at(Id, About)
    ;   Abouts = Abouts0,
        Place = goal(Goal, KB)
    ).

%   There is no node for another number of points than a class has.

counted(score(_, _, Points), Id, About), nonvar(Points) =>
    truth(Id, About, Total),
    Points == Total.
counted(_, _, _) =>
    true.

graph_goal(active(Image, P), Image, P, active).
graph_goal(\+ active(Image, P), Image, P, inactive).
graph_goal(class(Image, Class), Image, Class, class).
graph_goal(decision(Image, Class), Image, Name, Kind) :-
    (   var(Class)                      % it has no answer
    ->  Name = none(),
        Kind = undecided
    ;   Name = Class,
        Kind = decision
    ).
graph_goal(score(Image, Class, _), Image, Class, score).
graph_goal(points(Image, Class, Points), Image, points(Class, Points), lines).
graph_goal(derived(Image, P), Image, P, derived).
graph_goal(ab(Rule, Image), Image, Rule, exception).
graph_goal(\+ ab(Rule, Image), Image, Rule, unless).

about(Abouts0, KB, Image, Abouts, About) :-
    (   memberchk(Image-About0, Abouts0)
    ->  About = About0,
        Abouts = Abouts0
    ;   about(KB, Image, About),
        About \== none(),
        Abouts = [Image-About|Abouts0]
    ).

%   expand(+Place, +Used, +Bounds, -Status, -How, -Children)

expand(at(Id, About), Used, bounds(_, Readable, Cut0), Status, How, Children) =>
    Children = ids(Ids, About),
    narrowed(Cut0, Used, Readable, Cut),
    expand_node(Id, About, Status, How0, Ids0),
    nearest(Cut, Id, About, How0-Ids0, How, Ids).
expand(goal(Goal, KB), _, bounds(Most, _, Cut), Status, How, Children) =>
    Children = goals(Goals, KB),
    copy_term(Goal, Copy),
    answer(KB, Copy, Most, Status, How0, Goals0),
    strongest(Cut, Goal, How0-Goals0, How, Goals).

%   Where a third of what a person reads is used, the nearest alone is shown of
%   what is deeper, so as to say of it what it lacks.

narrowed(cut(_, refutation), Used, Readable, Cut), 3 * Used > Readable =>
    Cut = cut(1, refutation).
narrowed(Cut0, _, _, Cut) =>
    Cut = Cut0.

%   strongest(+Cut, +Goal, +Whole, -How, -Goals): of the effects that a
%   score is the sum of, which stand by falling size behind the bias, the first
%   twelve, unless all are wanted.

strongest(Cut, score(_, _, _, _, _), How0-Goals0, How, Goals),
  Cut \== all,
  length(First, 13),
  append(First, [Next|Others], Goals0) =>
    length([Next|Others], Count),
    How = cut(How0, Count),
    Goals = First.
strongest(_, _, How0-Goals0, How, Goals) =>
    How = How0,
    Goals = Goals0.
