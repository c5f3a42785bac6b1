:- encoding(utf8).
:- module(proofsight_show,
          [ proof_lines/2               % +Proof, -Lines
          ]).
:- use_module(library(lists), [append/3, member/2]).
:- use_module(messages, [text/3]).
:- use_module(number_text, [numbers/5]).

:- det(proof_lines/2).

/** <module> Proofs as text

The Python client prints the same bytes from the same table; the rules
both follow stand in `messages/en.json`.  A proof is proof(Nodes,
CutShort), Nodes as by nodes_terms/2.
*/

%!  proof_lines(+Proof, -Lines:list(string)) is det.

proof_lines(proof(Nodes, CutShort), Lines) :-
    compound_name_arguments(Array, nodes, Nodes),
    functor(Array, _, Size),
    functor(Seen, seen, Size),
    tree(0, Array, Seen, CutShort, "", "", Lines, []).

%   tree(+Number, +Nodes, +Seen, +CutShort, +First, +Others, -Lines, ?Tail):
%   First stands before the node's own line, Others before those beneath.

tree(left_out(Kind, Count), _, _, _, First, _, Lines, Tail) :-
    !,
    atom_concat('left_out.', Kind, Key),
    text(Key, [left_out=Count], Text),
    string_concat(First, Text, Line),
    Lines = [Line|Tail].
tree(Number, Nodes, Seen, CutShort, First, Others, Lines, Tail) :-
    node_at(Number, Nodes, node(Goal, Kind, Status, Children, Details)),
    (   Kind == not,
        Children = [Child]
    ->  tree(Child, Nodes, Seen, CutShort, First, Others, Lines, Tail)
    ;   Kind == points,
        Status \== 'CUT_SHORT',
        Children = [Child]
    ->  node_text(Kind, Status, Goal, Children, Details, CutShort, Text),
        atomics_to_string([First, Text], First1),
        tree(Child, Nodes, Seen, CutShort, First1, Others, Lines, Tail)
    ;   outranked(Kind, Status, Children, Nodes, Details, Details1),
        node_text(Kind, Status, Goal, Children, Details1, CutShort, Text),
        label(Details, Label),
        not_shown(Kind, Children, Details, NotShown),
        N is Number + 1,
        arg(N, Seen, Before),
        beneath(Children, Kind, NotShown, Details, Parts),
        (   Parts == []
        ->  Again = "",
            Beneath = []
        ;   var(Before)
        ->  Before = seen,
            Again = "",
            Beneath = Parts
        ;   text(shown_above, [], Again),
            Beneath = []
        ),
        atomics_to_string([First, Text, Label, NotShown, Again], Line),
        Lines = [Line|Lines1],
        trees(Beneath, Kind, Nodes, Seen, CutShort, Others, Lines1, Tail)
    ).

%   Of a class that holds and was not decided, rival(Class) says which was.

outranked(decision, 'ABSENT', [First, Second], Nodes, Details0, Details),
  node_at(First, Nodes, node(_, class, 'PROVED', _, _)) =>
    node_at(Second, Nodes, node(_, _, _, _, Rivals)),
    memberchk(class(Rival), Rivals),
    Details = [rival(Rival)|Details0].
outranked(_, _, _, _, Details0, Details) =>
    Details = Details0.

node_at(Number, Nodes, Node) :-
    N is Number + 1,
    arg(N, Nodes, Node).

%   The count of what is left out stands last, or on the node's own line where
%   nothing beneath it is shown.

beneath(Children, Kind, NotShown, Details, Beneath) :-
    (   NotShown == "",
        memberchk(left_out(Count), Details)
    ->  (   Kind == decision,
            \+ memberchk(class(_), Details)
        ->  Of = undecided
        ;   Of = Kind
        ),
        append(Children, [left_out(Of, Count)], Beneath)
    ;   Beneath = Children
    ).

not_shown(Kind, [], Details, Text), memberchk(left_out(Count), Details),
  memberchk(Kind, [active, class, exception, rule]) =>
    atom_concat('not_shown.', Kind, Key),
    text(Key, [left_out=Count], Text).
not_shown(_, _, _, Text) =>
    Text = "".

trees([], _, _, _, _, _, Lines, Tail) =>
    Lines = Tail.
trees([Child|Children], Kind, Nodes, Seen, CutShort, Before, Lines, Tail) =>
    (   Children == []
    ->  Branch = "└─ ",
        Stem = "   "
    ;   Branch = "├─ ",
        Stem = "│  "
    ),
    mark(Kind, Child, Nodes, Mark),
    atomics_to_string([Before, Branch, Mark], First),
    string_concat(Before, Stem, Others),
    tree(Child, Nodes, Seen, CutShort, First, Others, Lines, Lines1),
    trees(Children, Kind, Nodes, Seen, CutShort, Before, Lines1, Tail).

%   Whether a literal of at_least/2 is one of those that hold: `p is not active`
%   may hold or fail.

mark(at_least, Child, Nodes, Mark), integer(Child) =>
    node_at(Child, Nodes, node(_, _, Status, _, _)),
    (   counted(Status, Key)
    ->  text(Key, [], Mark)
    ;   Mark = ""
    ).
mark(_, _, _, Mark) =>
    Mark = "".

counted('PROVED', counted).
counted('FACT', counted).
counted('ABSENT', not_counted).

label(Details, Label) :-
    (   memberchk(label(Text), Details)
    ->  text(label, [label=Text], Label0)
    ;   Label0 = ""
    ),
    (   memberchk(circuit(Id), Details)
    ->  text(circuit, [circuit=Id], Circuit),
        string_concat(Label0, Circuit, Label)
    ;   Label = Label0
    ).

%   The message of a node, by what it has.

node_text(Kind, Status, Goal, Children, Details, CutShort, Text) :-
    message(Kind, Status, Children, Details, CutShort, Key),
    slots(Goal, Details, Slots),
    text(Key, Slots, Text).

message(_, 'CUT_SHORT', _, _, CutShort, Key) =>
    atom_concat('cut_short.', CutShort, Key).
message(decision, 'ABSENT', _, Details, _, Key), \+ memberchk(class(_), Details) =>
    Key = 'decision.none'.
message(decision, 'ABSENT', _, Details, _, Key), memberchk(rival(_), Details) =>
    Key = 'decision.outranked'.
message(active, 'ABSENT', _, Details, _, Key), \+ memberchk(value(_), Details) =>
    Key = 'active.underived'.
message(points, Status, [_], _, _, Key) =>
    downcase_atom(Status, Lower),
    atomic_list_concat([points, '.', Lower, '_for'], Key).
message(score, _, _, Details, _, Key) =>
    memberchk(score(_, _, Against), Details),
    standing(Against, Key).
message(class, 'PROVED', _, Details, _, Key), \+ memberchk(rule(_), Details) =>
    Key = 'class.decided'.
message(class, 'ABSENT', [], Details, _, Key), \+ memberchk(left_out(_), Details) =>
    Key = 'class.ruleless'.
message(Kind, Status, _, _, _, Key) =>
    downcase_atom(Status, Lower),
    atomic_list_concat([Kind, '.', Lower], Key).

standing(none, Key) =>
    Key = 'score.alone'.
standing(ahead(_, 0), Key) =>
    Key = 'score.first_of_equals'.
standing(ahead(_, _), Key) =>
    Key = 'score.ahead'.
standing(behind(_, 0), Key) =>
    Key = 'score.later_of_equals'.
standing(behind(_, _), Key) =>
    Key = 'score.behind'.

slots(Goal, Details, [goal=Text|Slots]) :-
    format(string(Text), '~W',
           [Goal, [quoted(true), numbervars(true), max_depth(1000)]]),
    (   Goal = ab(Rule, _)
    ->  format(string(Excepted), '~q', [Rule]),
        Slots = [excepted=Excepted|Slots1]
    ;   Slots = Slots1
    ),
    (   memberchk(value(Value), Details),
        memberchk(threshold(Threshold), Details)
    ->  numbers(Value, Threshold, 4, ValueText, ThresholdText),
        Slots1 = [value=ValueText, threshold=ThresholdText|Slots2]
    ;   Slots1 = Slots2
    ),
    (   memberchk(count(Needed, Holding, Total), Details)
    ->  Slots2 = [needed=Needed, holding=Holding, total=Total|Slots3]
    ;   memberchk(score(Points, Base, Against), Details)
    ->  against_slots(Against, AgainstSlots),
        append([points=Points, base=Base|AgainstSlots], Slots3, Slots2)
    ;   memberchk(points(Points), Details)
    ->  format(string(Signed), '~w', [Points]),
        (   Points > 0
        ->  string_concat("+", Signed, Given)
        ;   Given = Signed
        ),
        Slots2 = [points=Given|Slots3]
    ;   Slots2 = Slots3
    ),
    findall(Key=Name,
            ( member(Key, [class, rival, rule, proposition]),
              Detail =.. [Key, Name],
              memberchk(Detail, Details)
            ),
            Slots3).

against_slots(none, Slots) =>
    Slots = [].
against_slots(Against, Slots) =>
    Against =.. [_, Rival, Margin],
    Slots = [rival=Rival, margin=Margin].
