struct Shape {
    int rows, columns, step;
};
