:- module(proofsight_solution,
          [ solution/6                  % +KB, +Goal, +Names, +Image, +Limits, -Json
          ]).
:- use_module(library(lists), [member/2]).
:- use_module(library(option), [option/3]).
:- use_module(library(terms), [term_size/2]).
:- use_module(encoding, [nodes_json/3]).
:- use_module(json, [json_text/2]).
:- use_module(proof, [nodes/4, root/4]).
:- use_module(question, [provable/1]).
:- use_module(truth, [about/3]).

:- det(solution/6).

/** <module> One solution of a query
*/

%!  solution(+KB, +Goal, +Names, +Image, +Limits, -Json:string) is det.
%
%   Goal holds as it is bound.  Names are its variables, each Name=Value.
%   With proofs(true) among Limits its proof is told too, of nodes(Count).
%
%   @throws refused(Reason, Key, Slots, Metadata)
%   @error resource_error(answer) where a value is too large to write.

solution(KB, Goal, Names, Image, Limits, Solution) :-
    bindings(Names, Bindings),
    json_text(Bindings, BindingsJson),
    option(proofs(Proofs), Limits, false),
    (   Proofs == true
    ->  provable(Goal),
        about(KB, Image, About),
        root(KB, Goal, About, Root),
        option(nodes(Most), Limits, 10_000),
        nodes(Root, Most, Nodes, CutShort),
        nodes_json(Nodes, NodesJson, ['}}']),
        Rest = [ ',"proof":{"root":0,"cut_short":"', CutShort, '","nodes":'
               | NodesJson
               ]
    ;   Rest = ['}']
    ),
    atomics_to_string(['{"bindings":', BindingsJson|Rest], Solution).

%   Values that people named, as text that reads back.  Variables that are
%   left are _1, _2, ... in all of them alike.

bindings(Names, Bindings) :-
    term_variables(Names, Variables),
    variable_names(Variables, 1, VariableNames),
    Options = [quoted(true), variable_names(VariableNames), cycles(true)],
    findall([Name, Text],
            ( member(Name=Value, Names),
              \+ sub_atom(Name, 0, _, _, '_'),
              written(Value, Options, Text)
            ),
            Bindings).

variable_names([], _, Names) =>
    Names = [].
variable_names([Variable|Variables], N, Names) =>
    atom_concat('_', N, Name),
    Names = [Name=Variable|Names1],
    N1 is N + 1,
    variable_names(Variables, N1, Names1).

%   Text that would be too long counts as memory.

written(Value, Options, Text) :-
    (   term_size(Value, Cells),
        Cells =< 1_000_000,
        write_length(Value, _, [max_length(1_000_000)|Options])
    ->  format(string(Text), '~W', [Value, Options])
    ;   throw(error(resource_error(answer), _))
    ).
