:- module(asked,
          [ street/1,                   % -KB
            scores/1,                   % -KB
            street_facts/2,             % +Case, -Facts
            explained/4,                % +KB, +Facts, +Question, -Answer
            explained/5,                % +KB, +Facts, +Question, +Limits, -Answer
            queried/5,                  % +KB, +Facts, +Goal, +Limits, -Answer
            queried/6                   % +KB, +Facts, +Goal, +Limits, -Solutions, -Answer
          ]).
:- use_module(library(http/json), [atom_json_dict/3]).
:- use_module('../../prolog/proofsight/service').
:- use_module(written_revision).

/** <module> The service, with its JSON read back
*/

:- dynamic loaded/2.

%!  street(-KB) is det.
%
%   The revision `street`, loaded once.

street(KB) :-
    revision_loaded(street, KB).

%!  scores(-KB) is det.
%
%   The revision `scores`, with the same propositions, loaded once.

scores(KB) :-
    revision_loaded(scores, KB).

revision_loaded(Name, KB) :-
    (   loaded(Name, KB0)
    ->  KB = KB0
    ;   revision_path(Name, Directory),
        service_load(Directory, [], KB, _),
        assertz(loaded(Name, KB))
    ).

%!  street_facts(?Case, -Facts) is nondet.
%
%   c8, c12, c26, c26_t2 (of the same value as c26), c40, u3, u7.

street_facts(plain, facts(img, values(0.1, 0.5, 3.0, 3.0, 0.3, -1.0, 0.75), [street-0.93, driveway-0.07])).
street_facts(upper_unobserved, facts(img, values(0.1, 0.5, 4.5, 4.5, 1.5, none, none), [street-0.93])).
street_facts(excepted, facts(img, values(0.1, 0.25, 3.0, 3.0, 1.5, -1.0, 0.75), [])).
street_facts(threshold, facts(img, values(0.5, 0.41370999813079834, 2.0999999046325684, 2.0999999046325684, 1.2000000476837158, -0.25, 0.5), [])).
street_facts(free_way, facts(img, values(0.75, 0.75, 0.5, 0.5, 0.0, -1.0, 0.75), ['Free Way'-1.0])).

explained(KB, Facts, Question, Answer) :-
    explained(KB, Facts, Question, [], Answer).

explained(KB, Facts, Question, Limits, Answer) :-
    service_explain(KB, Facts, Question, Limits, Json),
    read_json(Json, Answer).

queried(KB, Facts, Goal, Limits, Answer) :-
    queried(KB, Facts, Goal, Limits, _, Answer).

queried(KB, Facts, Goal, Limits, Solutions, Answer) :-
    Found = found([]),
    service_query(KB, Facts, Goal, Limits, asked:collect(Found), Json),
    read_json(Json, Answer),
    arg(1, Found, Reversed),
    reverse(Reversed, Solutions).

:- public collect/2.

collect(Found, Json) :-
    read_json(Json, Solution),
    arg(1, Found, Before),
    nb_setarg(1, Found, [Solution|Before]).

read_json(Json, Value) :-
    atom_string(Atom, Json),
    atom_json_dict(Atom, Value, []).
