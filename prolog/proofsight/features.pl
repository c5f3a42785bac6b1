:- module(proofsight_features,
          [ feature/1,                  % +Feature
            single/2                    % +Number, -Single
          ]).

/** <module> Features and their thresholds
*/

%!  feature(+Feature) is semidet.
%
%   Feature is a well-formed second argument of proposition/3.

feature(channel(Layer, Index, Reduction)) =>
    place(Layer, Index),
    reduction(Reduction).
feature(cell(Layer, Index, Reduction, grid(Rows, Columns), at(Row, Column))) =>
    place(Layer, Index),
    reduction(Reduction),
    integer(Rows), integer(Columns), integer(Row), integer(Column),
    Row >= 0, Row < Rows, Column >= 0, Column < Columns.
feature(unit(Layer, Index)) =>
    place(Layer, Index).
feature(derived(Layer)) =>
    atom(Layer).
feature(_) =>
    fail.

place(Layer, Index) :-
    atom(Layer), integer(Index), Index >= 0.

reduction(Reduction) :-
    atom(Reduction),
    memberchk(Reduction, [l1, l2, mean, max, value]).

%!  single(+Number, -Single) is semidet.
%
%   Single is the double equal to the float32 nearest to Number (ties to
%   even), so that a threshold typed by hand means here what it means to
%   numpy.  Fails where there is none.

single(X, Single) :-
    catch(Rational is rational(X), error(_, _), fail),
    (   Rational =:= 0
    ->  Single = 0.0
    ;   Magnitude is abs(Rational),
        exponent(Magnitude, Exponent),
        Ulp is 2 ** (max(Exponent, -126) - 23),
        Scaled is Rational / Ulp,
        even(Scaled, Whole),
        Exact is Whole * Ulp,
        abs(Exact) < 2 ** 128,
        Single is float(Exact)
    ).

%   2^Exponent =< Magnitude < 2^(Exponent+1)

exponent(Magnitude, Exponent) :-
    Guess is msb(numerator(Magnitude)) - msb(denominator(Magnitude)),
    (   Magnitude < 2 ** Guess
    ->  Exponent is Guess - 1
    ;   Exponent = Guess
    ).

even(Rational, Whole) :-
    Floor is floor(Rational),
    Rest is Rational - Floor,
    (   (   Rest < 1r2
        ;   Rest =:= 1r2,
            Floor mod 2 =:= 0
        )
    ->  Whole = Floor
    ;   Whole is Floor + 1
    ).
